using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Stateside.Testing.Histories;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Histories;

/// <summary>The histories of porcupine, with the verdicts that its own tests expect.</summary>
public sealed partial class PorcupineTests
{
    private static readonly string s_folder = Path.Combine(Files.Root, "tests", "vectors", "porcupine-histories");
    private static readonly JsonElement s_expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, "expected.json"))).RootElement;

    [Fact]
    public void All_verdicts_are_tried()
    {
        var registers = Cases("jepsen_register").Select(c => (bool)c[1]).ToList();
        Assert.Equal((102, 23), (registers.Count, registers.Count(linearizable => linearizable)));
        var stores = Cases("kv").Select(c => (bool)c[1]).ToList();
        Assert.Equal((6, 3), (stores.Count, stores.Count(linearizable => linearizable)));
        Assert.Equal(102, Directory.EnumerateFiles(Path.Combine(s_folder, "jepsen")).Count());
        Assert.Equal(6, Directory.EnumerateFiles(Path.Combine(s_folder, "kv")).Count());
    }

    [Theory]
    [MemberData(nameof(Cases), "jepsen_register")]
    public void The_verdict_on_a_register_agrees(string file, bool linearizable)
    {
        var log = new EventLog<RegisterInput<int?>, RegisterOutput<int?>>();
        foreach (var line in Lines("jepsen", file))
        {
            var fields = RegisterEvent().Match(line);
            Assert.True(fields.Success, $"{file} has a line of another form: {line}");
            var process = int.Parse(fields.Groups["process"].Value, CultureInfo.InvariantCulture);
            var values = Number().Matches(fields.Groups["value"].Value).Select(n => int.Parse(n.Value, CultureInfo.InvariantCulture)).ToArray();
            switch (fields.Groups["type"].Value, fields.Groups["verb"].Value)
            {
                case ("invoke", "read"): log.Invoke(process, RegisterInput.Read<int?>()); break;
                case ("invoke", "write"): log.Invoke(process, RegisterInput.Write<int?>(values[0])); break;
                case ("invoke", _): log.Invoke(process, RegisterInput.CompareAndSet<int?>(values[0], values[1])); break;
                case ("ok", "read"): log.Ok(process, new(values.Length == 0 ? null : values[0])); break;
                case ("ok", _): log.Ok(process, new()); break;
                // A compare-and-set that fails here was answered that the value is another one.
                case ("fail", "cas"): log.Ok(process, new(Done: false)); break;
                case ("fail", _): log.Fail(process); break;
                default: log.Info(process); break;
            }
        }
        Agrees(log.ToHistory(), new RegisterModel<int?>(), linearizable);
    }

    [Theory]
    [MemberData(nameof(Cases), "kv")]
    public void The_verdict_on_a_key_value_store_agrees(string file, bool linearizable)
    {
        var log = new EventLog<TextInput, string>();
        foreach (var line in Lines("kv", file))
        {
            var fields = StoreEvent().Match(line);
            Assert.True(fields.Success, $"{file} has a line of another form: {line}");
            var process = int.Parse(fields.Groups["process"].Value, CultureInfo.InvariantCulture);
            if (fields.Groups["type"].Value == "invoke") log.Invoke(process, new(fields.Groups["verb"].Value, fields.Groups["key"].Value, fields.Groups["value"].Value));
            else log.Ok(process, fields.Groups["value"].Value);
        }
        Agrees(log.ToHistory(), new TextModel(), linearizable);
    }

    public static TheoryData<string, bool> Cases(string kind)
    {
        var cases = new TheoryData<string, bool>();
        foreach (var one in s_expected.GetProperty(kind).EnumerateObject()) cases.Add(one.Name, one.Value.GetBoolean());
        return cases;
    }

    private static List<string> Lines(string folder, string file)
    {
        var path = Path.Combine(s_folder, folder, Path.GetFileNameWithoutExtension(file) + Path.GetExtension(file) + (file.EndsWith(".txt", StringComparison.Ordinal) ? "" : ".txt"));
        var lines = File.ReadLines(path).Where(l => l.Length > 0).ToList();
        Assert.NotEmpty(lines);
        return lines;
    }

    private static void Agrees<TState, TInput, TOutput>(History<TInput, TOutput> history, HistoryModel<TState, TInput, TOutput> model, bool linearizable)
        where TInput : notnull
    {
        Assert.NotEmpty(history.Operations);
        var result = Linearizability.Check(history, model);
        Assert.True(result.Verdict == (linearizable ? LinearizabilityVerdict.Linearizable : LinearizabilityVerdict.NotLinearizable), $"{result}");
    }

    [GeneratedRegex(@"^INFO\s+jepsen\.util - (?<process>\d+)\s+:(?<type>invoke|ok|fail|info)\s+:(?<verb>read|write|cas)\s+(?<value>nil|:timed-out|\d+|\[\d+ \d+\])\s*$")]
    private static partial Regex RegisterEvent();

    [GeneratedRegex("""^\{:process (?<process>\d+), :type :(?<type>invoke|ok), :f :(?<verb>get|put|append), :key "(?<key>[^"]*)", :value (nil|"(?<value>[^"]*)")\}$""")]
    private static partial Regex StoreEvent();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();

    private sealed record TextInput(string Verb, string Key, string Text);

    /// <summary>A store of texts that can be replaced and appended to.</summary>
    private sealed class TextModel : HistoryModel<string, TextInput, string>
    {
        public override string Initial => "";

        public override string PartitionOf(TextInput input) => input.Key;

        public override (bool Ok, string Next) Step(string state, TextInput input, Observed<string> output) => input.Verb switch
        {
            "get" => (output.Allows(state), state),
            "put" => (true, input.Text),
            _ => (true, state + input.Text),
        };
    }
}
