using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Stateside.Check.Conversations;
using Stateside.Check.Replicas;
using Stateside.Check.Reports;
using Stateside.Check.Scenarios;
using Xunit.Abstractions;

namespace Stateside.Check.Zoo.Tests;

/// <summary>What <c>check</c> says of each service against the truth: no false alarm, no miss, and the same in every run.</summary>
[Collection(nameof(Rig))]
public sealed class VerdictTests(Rig rig, ITestOutputHelper output)
{
    private const int Slowest = 12;

    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(5);

    // STATESIDE_ZOO_RUNS is for who works on the zoo.
    private static readonly int s_runs = Environment.GetEnvironmentVariable("STATESIDE_ZOO_RUNS") is { } runs ? int.Parse(runs, CultureInfo.InvariantCulture)
        : Environment.GetEnvironmentVariable("STATESIDE_LONG") == "1" ? 20 : 3;

    private static readonly int s_sideBySide = Math.Max(2, Environment.ProcessorCount * 4);

    /// <summary>What was said so far, by all that ran before: the matrix of the last is that of the whole zoo.</summary>
    private static readonly ConcurrentBag<Said> s_said = [];

    /// <summary>All checks, by language: they go on while the test of another language is waited for, so that no processor idles at a language's end.</summary>
    private static IReadOnlyDictionary<string, Task<Said[]>>? s_checks;

    /// <summary>By language, so that none takes too long to be told from one that hangs.</summary>
    public static TheoryData<string> Languages() => [.. Chosen().Select(s => s.Language).Distinct()];

    [Theory]
    [MemberData(nameof(Languages))]
    public async Task The_zoo_is_told_apart_without_a_false_alarm_a_miss_or_a_change_of_mind(string language)
    {
        s_checks ??= Start(rig);
        var reports = await s_checks[language];

        foreach (var report in reports) s_said.Add(report);
        var rows = reports.GroupBy(r => r.Service).OrderBy(g => Rig.Services.ToList().IndexOf(g.Key)).ToList();
        var faults = rows.SelectMany(g => Faults(g.Key, [.. g.Select(r => (r.Report, r.Fault))])).ToList();
        output.WriteLine(Matrix(s_said.Where(r => r.Report is not null).Select(r => (r.Service, r.Report!))));
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static Dictionary<string, Task<Said[]>> Start(Rig rig)
    {
        var places = new SemaphoreSlim(s_sideBySide);
        return Chosen().GroupBy(s => s.Language).ToDictionary(g => g.Key, g =>
        {
            // Run by run, so that those of one service are not side by side: each meets other neighbours.
            var runs = Enumerable.Range(0, s_runs).SelectMany(_ => g.OrderBy(s => !s.IsSlow));
            return Task.WhenAll([.. runs.Select(service => SayAsync(rig, service, places))]);
        });
    }

    private static async Task<Said> SayAsync(Rig rig, Service service, SemaphoreSlim places)
    {
        await places.WaitAsync();
        using var bound = new CancellationTokenSource(s_most);
        try
        {
            return new(service, await CheckAsync(rig, service, bound.Token), null);
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested)
        {
            return new(service, null, $"the check is not done after {s_most.TotalMinutes:F0} minutes");
        }
        catch (Exception e) when (e is ReplicaException or ScenarioException)
        {
            return new(service, null, e.Message);
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>STATESIDE_ZOO=name,name runs only services whose names contain one of these.</summary>
    private static IEnumerable<Service> Chosen() => Environment.GetEnvironmentVariable("STATESIDE_ZOO") is { Length: > 0 } names
        ? Rig.Services.Where(s => names.Split(',').Any(n => s.Name.Contains(n, StringComparison.Ordinal)))
        : Rig.Services;

    internal static async Task<CheckReport> CheckAsync(Rig rig, Service service, CancellationToken cancellationToken)
    {
        var shared = rig.NewShared();
        var source = new LaunchedSource(new LaunchOptions
        {
            Command = rig.Fill(service.Launch, shared),
            Environment = service.Environment.ToDictionary(e => e.Key, e => rig.Fill(e.Value, shared)),
            WorkingDirectory = shared,
            Ready = service.Ready,
            ReadyWithin = TimeSpan.FromSeconds(90),
            Mask = text => Masks.Text(text),
        }, TimeProvider.System);
        var options = new CheckOptions { Conversation = new ConversationOptions { Timeout = TimeSpan.FromSeconds(30) } };
        return await new CheckRun([ScenarioFile.Read(Rig.Scenario(service))], source, options, TimeProvider.System).RunAsync(cancellationToken);
    }

    internal static IEnumerable<string> Faults(Service service, IReadOnlyList<(CheckReport? Report, string? Fault)> runs)
    {
        foreach (var fault in runs.Select(r => r.Fault ?? (r.Report!.Unrepeatable is { } varied ? $"not repeatable: {varied}" : null)).OfType<string>().Distinct())
            yield return $"{service}: {fault}";
        var reports = runs.Where(r => r.Report is { Unrepeatable: null }).Select(r => r.Report!).ToList();
        foreach (var question in Enum.GetValues<Question>())
        {
            var got = reports.Select(r => r.Verdicts[(int)question]).ToList();
            foreach (var wrong in got.Where(v => v.Outcome != service.Truth[question]).GroupBy(v => v.Outcome))
                yield return $"{service}: {question} is {service.Truth[question]}, {wrong.Count()} of {got.Count} said {wrong.Key}: {wrong.First().Reason}{Shown(reports, wrong.First())}";
        }
        foreach (var wrong in reports.Where(r => r.Architecture != service.Truth.Architecture).GroupBy(r => r.Architecture))
            yield return $"{service}: it is {service.Truth.Architecture}, {wrong.Count()} of {reports.Count} said {wrong.Key}";
        foreach (var rules in service.Truth.MustAppear)
        {
            var without = reports.Where(r => !r.Findings.Any(f => rules.Contains(f.Rule))).ToList();
            if (without.Count > 0)
                yield return $"{service}: {string.Join(" or ", rules)} is not among the findings of {without.Count} of {reports.Count} runs, which have {string.Join(' ', without[0].Findings.Select(f => f.Rule).Distinct())}";
        }
    }

    private static string Shown(List<CheckReport> reports, Verdict verdict) =>
        string.Concat(reports.SelectMany(r => r.Findings).Where(f => verdict.Evidence.Contains(f.Id)).DistinctBy(f => f.Title).Take(2).Select(f => $"\n    {f.Id} {f.Title} | {f.Detail}".ReplaceLineEndings(" ")));

    private static string Matrix(IEnumerable<(Service Service, CheckReport Report)> runs)
    {
        var all = runs.Where(r => r.Report.Unrepeatable is null).ToList();
        var text = new StringBuilder().AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{all.Count} runs of {all.Select(r => r.Service).Distinct().Count()} services; got:");
        foreach (var question in Enum.GetValues<Question>())
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{question,-10} {"holds",12} {"fails",12} {"cannot tell",12}");
            foreach (var truth in Enum.GetValues<Outcome>())
            {
                int Count(Outcome got) => all.Count(r => r.Service.Truth[question] == truth && r.Report.Verdicts[(int)question].Outcome == got);
                text.AppendLine(CultureInfo.InvariantCulture, $"  {Words.Of(truth),-11} {Count(Outcome.Holds),9} {Count(Outcome.Fails),12} {Count(Outcome.CannotTell),12}");
            }
        }
        if (all.Count > 0)
        {
            var seconds = all.OrderBy(r => r.Report.Elapsed).Select(r => (r.Service.Name, r.Report.Elapsed.TotalSeconds)).ToList();
            text.AppendLine(CultureInfo.InvariantCulture, $"a check took {seconds[seconds.Count / 2].TotalSeconds:F1} s in the middle; the longest: {string.Join(", ", seconds.AsEnumerable().Reverse().Take(Slowest).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Name} {s.TotalSeconds:F1} s")))}");
        }
        return text.ToString();
    }

    private sealed record Said(Service Service, CheckReport? Report, string? Fault);
}
