using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Crashes;

/// <summary>A handler that calls the outside world is killed around that call. The outside world is a file.</summary>
public sealed class OutsideCrashTests(SqliteScene scene) : IClassFixture<SqliteScene>
{
    private readonly string _id = Guid.NewGuid().ToString();
    private readonly string _key = Guid.NewGuid().ToString();

    [Theory]
    [InlineData("AfterCommit", 1, 0)] // the claim is written, the call was not made
    [InlineData("BeforeCommit", 2, 1)] // the call was made, the turn is not committed
    public async Task A_call_that_broke_off_is_never_repeated_in_silence(string point, int commit, int calls)
    {
        using var visitor = new Visitor(scene.Url);
        await CrashAsync(visitor, "/notices/", point, commit);
        Assert.Equal(calls, Calls().Length);

        var retry = await RetryAsync(visitor, "/notices/");
        Assert.Equal((409, "SS1006", "unknown"), (retry.Status, retry.Code, retry.Applied));
        Assert.Equal(retry.Content, (await RetryAsync(visitor, "/notices/")).Content);
        Assert.Equal(calls, Calls().Length);
        Assert.Equal(0, await CounterAsync(visitor));

        // Another key is another request.
        Assert.Equal(200, (await visitor.PostAsync("/notices/" + _id, key: "another")).Status);
        Assert.Equal(calls + 1, Calls().Length);
    }

    [Theory]
    [InlineData("AfterCommit", 1, 0)]
    [InlineData("BeforeCommit", 2, 1)]
    public async Task A_call_that_is_safe_to_repeat_is_repeated_with_the_id_of_the_first_turn(string point, int commit, int calls)
    {
        using var visitor = new Visitor(scene.Url);
        await CrashAsync(visitor, "/repeatable-notices/", point, commit);
        Assert.Equal(calls, Calls().Length);

        var retry = await RetryAsync(visitor, "/repeatable-notices/");
        Assert.Equal(200, retry.Status);
        Assert.Equal(calls + 1, Calls().Length);
        Assert.Single(Calls().Distinct());
        var again = await RetryAsync(visitor, "/repeatable-notices/");
        Assert.Equal(retry.Content, again.Content);
        Assert.True(again.IsReplay);
        Assert.Equal(calls + 1, Calls().Length);
        Assert.Equal(1, await CounterAsync(visitor));
    }

    [Theory]
    [InlineData("/notices/")]
    [InlineData("/repeatable-notices/")]
    public async Task A_call_that_was_committed_is_answered_from_its_receipt(string path)
    {
        using var visitor = new Visitor(scene.Url);
        await CrashAsync(visitor, path, "AfterCommit", 2);
        var retry = await RetryAsync(visitor, path);
        Assert.Equal(200, retry.Status);
        Assert.True(retry.IsReplay);
        Assert.Single(Calls());
        Assert.Equal(1, await CounterAsync(visitor));
    }

    private async Task CrashAsync(Visitor visitor, string path, string point, int commit)
    {
        await scene.ArmAsync(point, occurrence: commit);
        Assert.Equal(Reply.None, await visitor.PostAsync(path + _id, key: _key));
        await scene.RestartAsync();
    }

    /// <summary>While the lease of the dead process lasts its request counts as running.</summary>
    private async Task<Reply> RetryAsync(Visitor visitor, string path)
    {
        Reply reply = Reply.None;
        await Eventually.TrueAsync(async () =>
        {
            reply = await visitor.PostAsync(path + _id, key: _key);
            return reply.Code != "SS1005";
        }, TimeSpan.FromSeconds(20), () => $"The claim never lapses: {reply}");
        return reply;
    }

    private string[] Calls() => [.. File.ReadAllLines(scene.OutsideFile).Where(line => line.StartsWith(_id, StringComparison.Ordinal))];

    private static async Task<int> ValueAsync(Visitor visitor, string path) => (int)(await visitor.GetAsync(path)).Json["value"]!;

    private Task<int> CounterAsync(Visitor visitor) => ValueAsync(visitor, "/counters/" + _id);
}
