using System.Collections.Immutable;
using Stateside.Testing.Histories;
using Stateside.Testing.Tests.Support;
using Xunit.Abstractions;

namespace Stateside.Testing.Tests.Histories;

/// <summary>
/// The histories of knossos (jepsen-io/knossos, folder <c>data</c>), whose folders name the verdict. Their licence, the EPL, keeps them out of this repository: they are read where they
/// lie beside it, or where STATESIDE_KNOSSOS_HISTORIES says.
/// </summary>
public sealed class KnossosTests(ITestOutputHelper output)
{
    private const string Absent = "NOT RUN: the knossos histories are not on this machine, and STATESIDE_KNOSSOS_HISTORIES does not name their folder";

    private static readonly string? s_folder = Environment.GetEnvironmentVariable("STATESIDE_KNOSSOS_HISTORIES")
        ?? new[] { Path.Combine(Files.Root, "..", "shared", "vectors", "knossos-histories") }.FirstOrDefault(Directory.Exists);

    public static TheoryData<string, bool> Cases()
    {
        if (s_folder is null) return new() { { Absent, false } };
        var cases = new TheoryData<string, bool>();
        foreach (var file in Directory.EnumerateFiles(s_folder, "*.edn*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            cases.Add(Path.GetRelativePath(s_folder, file).Replace('\\', '/'), Path.GetFileName(Path.GetDirectoryName(file)) == "good");
        return cases;
    }

    [Fact]
    public void All_verdicts_are_tried()
    {
        var cases = Cases().Select(c => ((string)c[0], (bool)c[1])).ToList();
        if (s_folder is null) output.WriteLine(Absent);
        else Assert.Equal((122, 114), (cases.Count, cases.Count(c => c.Item2)));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_verdict_agrees(string file, bool linearizable)
    {
        if (s_folder is null)
        {
            output.WriteLine(file);
            return;
        }
        var values = Edn.ReadAll(File.ReadAllText(Path.Combine(s_folder, file)));
        // Most files have one vector of events, some have the events one after the other.
        var events = (values is [List<object?> all] ? all : values).Cast<Dictionary<string, object?>>().Where(e => e[":process"] is long).ToList();
        var verdict = file.Split('/')[0] switch
        {
            "cas-register" => Check(events, RegisterInputOf, RegisterOutputOf, new RegisterModel<long?>()),
            "mutex" => Check(events, e => new MutexInput("", (string)e[":f"]! == ":acquire"), _ => true, new MutexModel()),
            "multi-register" => Check(events, TransactionOf, ReadsOf, new MultiRegisterModel<long?>(ImmutableSortedDictionary<string, long?>.Empty.Add(":x", 0).Add(":y", 0))),
            var other => throw new InvalidOperationException($"No model is known for {other}."),
        };
        Assert.Equal(linearizable, verdict);
    }

    private static bool Check<TState, TInput, TOutput>(
        List<Dictionary<string, object?>> events, Func<Dictionary<string, object?>, TInput> input, Func<Dictionary<string, object?>, TOutput> answer, HistoryModel<TState, TInput, TOutput> model)
        where TInput : notnull
    {
        var log = new EventLog<TInput, TOutput>();
        foreach (var one in events)
        {
            var process = (int)(long)one[":process"]!;
            switch ((string)one[":type"]!)
            {
                case ":invoke": log.Invoke(process, input(one)); break;
                case ":ok": log.Ok(process, answer(one)); break;
                case ":fail": log.Fail(process); break;
                case ":info": log.Info(process); break;
                case var other: throw new InvalidOperationException($"No event is known as {other}.");
            }
        }
        var history = log.ToHistory();
        // In four files nothing came to an end but faults.
        Assert.Equal(events.Any(e => (string)e[":type"]! == ":ok"), history.Operations.Any(o => !o.IsOpen));
        var result = Linearizability.Check(history, model);
        Assert.NotEqual(LinearizabilityVerdict.Unknown, result.Verdict);
        return result.Verdict == LinearizabilityVerdict.Linearizable;
    }

    private static RegisterInput<long?> RegisterInputOf(Dictionary<string, object?> one) => ((string)one[":f"]!, one[":value"]) switch
    {
        (":read", _) => RegisterInput.Read<long?>(),
        (":write", var value) => RegisterInput.Write((long?)value),
        (":cas", List<object?> pair) => RegisterInput.CompareAndSet((long?)pair[0], (long?)pair[1]),
        var other => throw new InvalidOperationException($"No operation is known as {other}."),
    };

    private static RegisterOutput<long?> RegisterOutputOf(Dictionary<string, object?> one) => (string)one[":f"]! == ":read" ? new((long?)one[":value"]) : new();

    private static IEnumerable<List<object?>> AccessesOf(Dictionary<string, object?> one) => ((List<object?>)one[":value"]!).Cast<List<object?>>();

    private static MultiRegisterInput<long?> TransactionOf(Dictionary<string, object?> one) =>
        new([.. AccessesOf(one).Select(a => (string)a[0]! == ":write" ? new RegisterAccess<long?>((string)a[1]!, true, (long?)a[2]) : new((string)a[1]!, false))]);

    private static IReadOnlyList<long?> ReadsOf(Dictionary<string, object?> one) => [.. AccessesOf(one).Select(a => (long?)a[2])];
}
