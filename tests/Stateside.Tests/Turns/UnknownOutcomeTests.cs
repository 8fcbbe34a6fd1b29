using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Tests.Turns;

/// <summary>The answer to a commit is lost: what became of it is found by one load, and what cannot be known is not guessed.</summary>
public sealed class UnknownOutcomeTests : IDisposable
{
    private static readonly ReceiptRequest Receipt = new(new ReceiptId(1, 2), new ReceiptId(3, 4), CallsOutside: false, SafeToRepeat: false);
    private readonly Engine _engine = new();
    private readonly StateKey _key = Engine.Key();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task It_was_written_so_the_turn_is_done()
    {
        _engine.Store.LoseAnswer(applies: true);
        var host = TestHost.Add(_engine, _key);
        await _engine.RunAsync(host);
        Assert.Equal((2, 1), _engine.Store.Trips);
        Assert.Equal((1, 1), (host.Runs.Count, await _engine.ValueAsync(_key)));
    }

    [Fact]
    public async Task A_delete_was_written_so_the_turn_is_done()
    {
        await _engine.RunAsync(TestHost.Add(_engine, _key));
        _engine.Store.LoseAnswer(applies: true);
        await _engine.RunAsync(TestHost.On(_engine, _key, (state, _) => state.Delete()));
        Assert.False((await _engine.Store.RowAsync(_key)).Exists);
    }

    [Fact]
    public async Task Another_turn_has_the_very_same_count_so_it_was_not_written_and_runs_again()
    {
        _engine.Store.LoseAnswer(applies: false, () => OthersWriteAsync(1));
        var host = TestHost.Add(_engine, _key);
        await _engine.RunAsync(host);
        Assert.Equal((2, 11), (host.Runs.Count, await _engine.ValueAsync(_key)));
    }

    [Fact]
    public async Task Others_have_gone_on_past_it_so_it_stays_unknown()
    {
        _engine.Store.LoseAnswer(applies: true, () => OthersWriteAsync(1));
        var host = TestHost.Add(_engine, _key);
        Assert.Equal(("SS3002", Applied.Unknown), await FailAsync(host));
        Assert.Single(host.Runs);
    }

    [Fact]
    public async Task Others_have_gone_on_past_it_but_its_receipt_is_there_so_the_receipt_answers()
    {
        _engine.Store.LoseAnswer(applies: true, () => OthersWriteAsync(1));
        var outcome = await _engine.RunAsync(TestHost.Add(_engine, _key, receipt: Receipt));
        Assert.Equal(7, outcome.Replay!.Body.Span[0]);
        Assert.Equal(2, (await _engine.Store.RowAsync(_key)).Version.Counter);
    }

    [Fact]
    public async Task Nothing_has_moved_so_it_may_yet_arrive_and_stays_unknown()
    {
        Commit? late = null;
        _engine.Store.OnCommit.Enqueue(commit =>
        {
            late = commit;
            throw new StoreException("The connection broke.", Applied.Unknown);
        });
        Assert.Equal(("SS3002", Applied.Unknown), await FailAsync(TestHost.Add(_engine, _key)));
        Assert.Equal(CommitResult.Committed, await _engine.Store.ApplyAsync(late!));
    }

    [Fact]
    public async Task The_look_up_fails_too_so_it_stays_unknown_and_a_retry_with_the_key_tells()
    {
        _engine.Store.LoseAnswer(applies: true, () =>
        {
            _engine.Store.OnLoad.Enqueue(_ => throw new StoreException("away", Applied.No));
            return default;
        });
        Assert.Equal(("SS3002", Applied.Unknown), await FailAsync(TestHost.Add(_engine, _key, receipt: Receipt)));
        Assert.NotNull((await _engine.RunAsync(TestHost.Add(_engine, _key, receipt: Receipt))).Replay);
        Assert.Equal(1, await _engine.ValueAsync(_key));
    }

    [Fact]
    public async Task The_store_said_no_so_nothing_is_looked_up()
    {
        _engine.Store.OnCommit.Enqueue(_ => throw new StoreException("disk full", Applied.No));
        var failed = await _engine.FailAsync(TestHost.Add(_engine, _key));
        Assert.Equal(("SS3001", Applied.No, (1, 1)), (failed.Code, failed.Applied, _engine.Store.Trips));
        Assert.NotNull(failed.RetryAfter);
    }

    private async Task<(string, Applied)> FailAsync(ITurnHost host)
    {
        var failed = await _engine.FailAsync(host);
        return (failed.Code, failed.Applied);
    }

    private async ValueTask OthersWriteAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var version = (await _engine.Store.RowAsync(_key)).Version;
            await _engine.Store.ApplyAsync(new Commit(_key.Group, TurnId.New()) { Rows = [new RowWrite(_key, RowChange.Put, version) { Body = """{"Value":10}"""u8.ToArray() }] });
        }
    }
}
