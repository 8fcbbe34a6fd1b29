using System.Text.RegularExpressions;
using Stateside.Check.Comparing;
using Stateside.Check.Experiments;
using Stateside.Check.Replicas;
using Stateside.Check.Reports;
using Stateside.Check.Scenarios;

namespace Stateside.Check;

/// <summary>Audits a service: learns what each scenario shows undisturbed, does the experiments, and answers the five questions.</summary>
/// <param name="scenarios">What clients do; at least one.</param>
/// <param name="source">The replicas.</param>
/// <param name="options">How it is done.</param>
/// <param name="time">The clock.</param>
/// <param name="tell">Is told how far it is, from any thread.</param>
public sealed partial class CheckRun(IReadOnlyList<Scenario> scenarios, ReplicaSource source, CheckOptions options, TimeProvider time, Action<CheckProgress>? tell = null)
{
    private int _done;
    private int _total;

    /// <summary>The names of the experiments.</summary>
    public static IReadOnlyList<string> Experiments { get; } = [.. Experimenting.All().Select(e => e.Name)];

    /// <summary>Does it.</summary>
    /// <exception cref="ReplicaException">The replicas cannot be had.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; what was launched is stopped.</exception>
    public async Task<CheckReport> RunAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        _total = scenarios.Count * (Experiments.Count + 2);
        var results = new List<ScenarioResult>();
        foreach (var scenario in scenarios)
        {
            var result = await ScenarioAsync(scenario, cancellationToken);
            results.Add(result);
            if (result.Unrepeatable is not null) break;
        }
        return Compose(results, time.GetElapsedTime(begun));
    }

    private async Task<ScenarioResult> ScenarioAsync(Scenario scenario, CancellationToken cancellationToken)
    {
        // Whatever stops one part stops the others before the replicas go.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var token = stopping.Token;
        // Replicas for what kills, so that it goes on beside the rest; only where sets are known to keep apart what they write: else files would be written by more processes
        // than the service has.
        var opening = source is { MostSets: > 1, CanRestart: true, KeepsApart: true } ? source.OpenAsync(token) : null;
        var records = new List<ExperimentRecord>();
        try
        {
            await using var set = await source.OpenAsync(token);
            var other = opening is null ? null : await opening;
            var study = Study(scenario, other is null ? [set] : [set, other]);
            Lab Lab(ReplicaSet replicas) => new(study, replicas, step => Tell(study, "baseline", step));
            var lab = Lab(set);
            var unrepeatable = await RecordAsync(records, study, lab, "baseline", () => Baseline.LearnAsync(lab, token));
            if (unrepeatable is not null) return new ScenarioResult(study, records, unrepeatable);
            if (source.Count > 1)
            {
                await CookieNaming.LearnAsync(lab, other is null ? null : Lab(other), token);
                await Baseline.CompareReplicasAsync(lab, token);
            }
            var wanted = Experimenting.All().Where(e => options.Only.Count == 0 || options.Only.Contains(e.Name, StringComparer.OrdinalIgnoreCase)).ToList();
            // What kills comes last: a replica that does not come back ends what follows.
            var isBeside = other is not null && study.IsIsolated;
            var quiet = LaneAsync(records, study, set, [.. wanted.Where(e => !e.Kills)], Task.CompletedTask, token);
            if (!isBeside) await quiet;
            var loud = LaneAsync(records, study, isBeside ? other! : set, [.. wanted.Where(e => e.Kills)], quiet, token);
            await Task.WhenAll(quiet, loud);
            foreach (var left in Experimenting.All().Where(e => !wanted.Any(w => w.Name == e.Name))) LeaveOut(records, study, left.Name, "it was not asked for (--only)");
            var found = await ReproduceAsync(records, study, set, isAgain: isBeside, token);
            return new ScenarioResult(study, records, null) { Found = found };
        }
        finally
        {
            await stopping.CancelAsync();
            if (opening is not null) await EndAsync(opening);
        }
    }

    private static async Task EndAsync(Task<ReplicaSet> opening)
    {
        try
        {
            await (await opening).DisposeAsync();
        }
        catch (Exception e) when (e is ReplicaException or OperationCanceledException)
        {
            // It never opened, and has cleaned up behind itself; the first set says why.
        }
    }

    private Study Study(Scenario scenario, IReadOnlyList<ReplicaSet> sets)
    {
        var host = options.Conversation.Host ?? sets[0].Addresses[0].Authority;
        var fixedOptions = options with { Conversation = options.Conversation with { Host = host } };
        var patterns = options.Ignore.Where(i => i.Length > 2 && i[0] == '/' && i[^1] == '/').Select(i => new Regex(i[1..^1], RegexOptions.None, TimeSpan.FromSeconds(1))).ToList();
        var study = new Study(scenario, fixedOptions, new Normal(sets.SelectMany(s => s.Addresses), host, patterns), new Noise(Ignored()), time);
        foreach (var notice in scenario.Notices) study.Notice(notice);
        return study;
    }

    private Func<string, bool> Ignored()
    {
        var places = options.Ignore.Where(i => !(i.Length > 2 && i[0] == '/' && i[^1] == '/'))
            .Select(i => i.StartsWith('$') ? "json:" + i : i.Contains(':', StringComparison.Ordinal) || i is "status" ? i : "header:" + i.ToLowerInvariant()).ToList();
        return place => places.Exists(p => place.StartsWith(p, StringComparison.Ordinal) && (place.Length == p.Length || place[p.Length] is '.' or '[' or '?' or '='));
    }

    private async Task LaneAsync(List<ExperimentRecord> records, Study study, ReplicaSet set, IReadOnlyList<Experiment> experiments, Task before, CancellationToken cancellationToken)
    {
        string? gone = null;
        foreach (var experiment in experiments)
        {
            if ((gone ?? Reason(experiment, study)) is { } reason)
            {
                LeaveOut(records, study, experiment.Name, reason);
                continue;
            }
            var lab = new Lab(study, set, step => Tell(study, experiment.Name, step)) { Alone = before };
            await RecordAsync(records, study, lab, experiment.Name, async () =>
            {
                try
                {
                    await experiment.RunAsync(lab, cancellationToken);
                    return null;
                }
                catch (ReplicaException e)
                {
                    var why = $"a replica did not come back: {e.Message}";
                    Experimenting.SayWhyNot(study.Knowledge, experiment.Name, why);
                    if (!await AreThereAsync(lab, cancellationToken)) gone = why;
                    return $"broke off: {e.Message}";
                }
            });
        }
    }

    /// <summary>Whether all replicas serve, though a restart went wrong, or do after another.</summary>
    private static async Task<bool> AreThereAsync(Lab lab, CancellationToken cancellationToken)
    {
        try
        {
            if (await ServeAsync()) return true;
            if (!lab.Set.CanRestart) return false;
            await lab.Set.RestartAsync([.. Enumerable.Range(0, lab.Set.Addresses.Count)], cancellationToken);
            return await ServeAsync();
        }
        catch (ReplicaException)
        {
            return false;
        }

        async Task<bool> ServeAsync()
        {
            for (var i = 0; i < lab.Set.Addresses.Count; i++)
            {
                var run = await lab.RunAsync([new Send(1, i)], cancellationToken);
                if (run.Observations.Any(o => o.Exchange.Answer is null)) return false;
            }
            return true;
        }
    }

    private string? Reason(Experiment experiment, Study study) =>
        experiment.Moves && source.Count < 2 ? "there is only one replica"
        : experiment.NeedsRestart && !source.CanRestart ? source.WhyNoRestart
        : experiment.LeftOut(study);

    private void LeaveOut(List<ExperimentRecord> records, Study study, string name, string reason)
    {
        Experimenting.SayWhyNot(study.Knowledge, name, reason);
        lock (records) records.Add(new ExperimentRecord(name, study.Scenario.Name, 0, 0, TimeSpan.Zero, reason));
        Interlocked.Increment(ref _done);
    }

    private async Task<string?> RecordAsync(List<ExperimentRecord> records, Study study, Lab lab, string name, Func<Task<string?>> work)
    {
        Tell(study, name, null);
        var begun = time.GetTimestamp();
        var fault = await work();
        lock (records) records.Add(new ExperimentRecord(name, study.Scenario.Name, lab.Done.Runs, lab.Done.Requests, time.GetElapsedTime(begun), fault));
        Interlocked.Increment(ref _done);
        return fault;
    }

    /// <summary>Whether it is a difference between two copies of one run, and not from the twins: noise has no part in it.</summary>
    private static bool IsOfCopies(Suspicion found) => found is { Question: Question.Retry, Difference.Slot.Occurrence: > 0 };

    /// <summary>Shortens the gravest findings, one of each rule and question; the others keep the run that showed them.</summary>
    private async Task<IReadOnlyList<Suspicion>> ReproduceAsync(List<ExperimentRecord> records, Study study, ReplicaSet set, bool isAgain, CancellationToken cancellationToken)
    {
        var found = study.Found.Where(f => f.Difference is not { } d || IsOfCopies(f) || !study.Noise.Contains(d.Slot.Step, d.Place)).ToList();
        var lab = new Lab(study, set, step => Tell(study, "reproduction", step));
        await RecordAsync(records, study, lab, "reproduction", async () =>
        {
            if (isAgain) found = await Alone.StillShowAsync(lab, found, cancellationToken);
            // First as they were found: so they are kept where a replica does not come back in the middle.
            found = [.. found.Select(f => f.Severity == Severity.Error ? Reproducer.AsFound(lab, f) : f)];
            var shortened = new HashSet<(string, Question?)>();
            for (var i = 0; i < found.Count; i++)
            {
                if (found[i].Severity != Severity.Error) continue;
                if (!shortened.Add((found[i].Rule, found[i].Question))) continue;
                try
                {
                    found[i] = await Reproducer.OfAsync(lab, found[i], cancellationToken);
                }
                catch (ReplicaException e)
                {
                    return $"broke off: {e.Message}";
                }
            }
            return null;
        });
        return found;
    }

    private CheckReport Compose(List<ScenarioResult> results, TimeSpan elapsed)
    {
        var unrepeatable = results.Where(r => r.Unrepeatable is not null).Select(r => $"{r.Study.Scenario.Name}: {r.Unrepeatable}").FirstOrDefault();
        var findings = FindingWriter.Write(results.SelectMany(r => r.Found.Select(f => (r.Study, f))));
        var known = Knowledge.Join([.. results.Select(r => r.Study.Knowledge)]);
        var verdicts = unrepeatable is null
            ? Verdicts.Of(findings, known)
            : [.. Enum.GetValues<Question>().Select(q => new Verdict(q, Outcome.CannotTell, "the undisturbed scenario is not repeatable", []))];
        var architecture = unrepeatable is null ? Verdicts.ArchitectureOf(verdicts, findings, known) : Architecture.CannotTell;
        return new CheckReport([.. scenarios.Select(s => s.Name)], source.Names, architecture, Verdicts.Advice(verdicts, findings, architecture), verdicts, findings,
            [.. results.SelectMany(r => r.Records)], [.. results.SelectMany(r => r.Study.Notices.OrderBy(ByNumber, StringComparer.Ordinal)).Distinct()], unrepeatable, elapsed);
    }

    /// <summary>A text by which step 2 comes before step 10.</summary>
    private static string ByNumber(string text) => Number().Replace(text, m => m.Value.PadLeft(12, '0'));

    [GeneratedRegex("[0-9]{1,12}", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    private void Tell(Study study, string experiment, int? step) => tell?.Invoke(new CheckProgress(study.Scenario.Name, experiment, step, Volatile.Read(ref _done), _total));

    private sealed record ScenarioResult(Study Study, IReadOnlyList<ExperimentRecord> Records, string? Unrepeatable)
    {
        public IReadOnlyList<Suspicion> Found { get; init; } = [];
    }
}
