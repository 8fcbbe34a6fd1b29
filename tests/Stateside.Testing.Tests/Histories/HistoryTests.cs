using System.Text;
using System.Text.Json;
using Stateside.Testing.Histories;

namespace Stateside.Testing.Tests.Histories;

public sealed class HistoryTests
{
    private readonly ManualClock _clock = new();
    private readonly HistoryRecorder<CounterInput, long> _recorder;

    public HistoryTests() => _recorder = new(_clock);

    [Fact]
    public void What_is_recorded_has_its_client_its_times_and_its_outcome()
    {
        var add = _recorder.Begin(1, new("a", 1));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        var lost = _recorder.Begin(2, new("a", 2));
        var refused = _recorder.Begin(3, new("a", 3));
        var running = _recorder.Begin(4, new("a", 4));
        _recorder.Unknown(lost);
        _recorder.Fail(refused);
        _recorder.End(add, 7);

        Operation<CounterInput, long>[] expected = [new(1, new("a", 1), new(7), 0, 10_003), new(2, new("a", 2), 10_000), new(4, new("a", 4), 10_002)];
        Assert.Equal(expected, _recorder.ToHistory().Operations);
        Assert.Equal([false, true, true], _recorder.ToHistory().Operations.Select(o => o.IsOpen));
        _recorder.End(running, 11);
        Assert.Equal(11, _recorder.ToHistory().Operations[2].Output.Value);
    }

    [Fact]
    public void A_call_has_one_outcome_and_belongs_to_one_recorder()
    {
        var call = _recorder.Begin(1, new("a", 1));
        Assert.Throws<InvalidOperationException>(() => new HistoryRecorder<CounterInput, long>().End(call, 1));
        _recorder.Fail(call);
        Assert.Throws<InvalidOperationException>(() => _recorder.End(call, 1));
        Assert.Throws<InvalidOperationException>(() => _recorder.Unknown(call));
        Assert.Empty(_recorder.ToHistory().Operations);
    }

    [Fact]
    public async Task A_call_that_throws_is_of_unknown_outcome()
    {
        Assert.Equal(5, await _recorder.RecordAsync(1, new("a", 5), () => Task.FromResult(5L)));
        await Assert.ThrowsAsync<TimeoutException>(() => _recorder.RecordAsync(1, new("a", 5), () => Task.FromException<long>(new TimeoutException())));
        Assert.Equal([false, true], _recorder.ToHistory().Operations.Select(o => o.IsOpen));
    }

    [Fact]
    public async Task Many_threads_record_at_once_and_no_two_times_are_equal()
    {
        var sum = 0L;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++) await _recorder.RecordAsync(client, new("a", 1), () => Task.FromResult(Interlocked.Increment(ref sum)));
        })));
        var history = _recorder.ToHistory();
        Assert.Equal(8000, history.Operations.SelectMany(o => new[] { o.Call, o.Return!.Value }).Distinct().Count());
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(history, new CounterModel()).Verdict);
    }

    [Fact]
    public void A_history_is_kept_as_lines_and_read_again()
    {
        History<RegisterInput<int?>, RegisterOutput<int?>> history = new(
        [
            new(1, RegisterInput.Write<int?>(3, "a"), new(new()), 5, 9),
            new(2, RegisterInput.Read<int?>("a"), new(new(null)), 6, 8),
            new(3, RegisterInput.CompareAndSet<int?>(null, 1, "b"), 7),
            new(4, RegisterInput.Write<int?>(null, "b"), default, 8, 8),
        ]);
        using var stream = new MemoryStream();
        history.Save(stream, JsonSerializerOptions.Web);
        var lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n');
        Assert.Equal("""{"client":1,"call":5,"return":9,"input":{"key":"a","verb":1,"value":3,"expected":null},"output":{"value":null,"done":true}}""", lines[0]);
        Assert.Equal("""{"client":3,"call":7,"input":{"key":"b","verb":2,"value":1,"expected":null}}""", lines[2]);
        Assert.Equal("", lines[4]);
        stream.Position = 0;
        Assert.Equal(history.Operations, History.Load<RegisterInput<int?>, RegisterOutput<int?>>(stream, JsonSerializerOptions.Web).Operations);
    }

    [Theory]
    [InlineData("{}"), InlineData("[]"), InlineData("7"), InlineData("""{"client":1,"call":5,"return":""")]
    [InlineData("""{"client":1,"call":5,"return":9,"input":null,"output":1}"""), InlineData("""{"client":1,"call":5,"return":4,"input":{"key":"a","amount":1},"output":1}""")]
    [InlineData("""{"client":1,"call":5,"input":{"key":"a","amount":1},"output":1}"""), InlineData("""{"client":1,"call":5,"return":9,"input":7,"output":1}""")]
    [InlineData("""{"client":"x","call":5,"return":9,"input":{"key":"a","amount":1},"output":1}"""), InlineData("""{"client":1,"call":5.5,"return":9,"input":{"key":"a","amount":1},"output":1}""")]
    public void A_line_that_is_not_an_operation_is_named(string line)
    {
        var text = """{"client":1,"call":5,"return":9,"input":{"key":"a","amount":1},"output":1}""" + "\n\n" + line + "\n";
        var e = Assert.Throws<FormatException>(() => History.Load<CounterInput, long>(new MemoryStream(Encoding.UTF8.GetBytes(text)), JsonSerializerOptions.Web));
        Assert.StartsWith("Line 3 of the history is not an operation: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_operation_does_not_return_before_it_is_called() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Operation<CounterInput, long>(1, new("a", 1), new(1), 5, 4));

    [Fact]
    public void A_history_falls_into_parts_by_key()
    {
        History<CounterInput, long> history = new([new(1, new("b", 1), 1), new(2, new("a", 1), 2), new(3, new("b", 2), 3)]);
        var parts = history.Partition(new CounterModel().PartitionOf);
        Assert.Equal([("a", 1), ("b", 2)], parts.Select(p => (p.Key, p.Value.Operations.Count)));
    }
}
