using System.Diagnostics;
using System.Text;
using Stateside.Redis.Resp;
using Stateside.Servers;
using Stateside.Stores;

namespace Stateside.Redis.Tests.Resp;

/// <summary>The client against servers that are old, slow, hostile or gone, and what it says of a command then.</summary>
public sealed class FakeServerTests
{
    private static readonly RespCommand s_get = RespCommand.OfWords("GET", "k");

    private static async Task<RedisClient> OpenAsync(string url)
    {
        var client = new RedisClient(RedisUrl.Parse(url));
        await client.OpenAsync(default);
        return client;
    }

    private static async Task<RedisException> FailsAsync(RedisClient client, RespCommand command) =>
        await Assert.ThrowsAsync<RedisException>(() => client.SendAsync(-1, command, default).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));

    /// <summary>Repeats a command until the client has a connection again.</summary>
    private static async Task<RespValue> RecoverAsync(RedisClient client, RespCommand command)
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                return await client.SendAsync(-1, command, default);
            }
            catch (RedisException) when (watch.Elapsed < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(5);
            }
        }
    }

    [Fact]
    public async Task RSP_04_A_server_without_RESP3_is_spoken_to_in_RESP2_and_its_nulls_are_read()
    {
        await using var server = new FakeRedis(c => c[0] switch
        {
            "HELLO" => "-ERR unknown command 'HELLO'\r\n",
            "GET" => "$-1\r\n",
            "MGET" => "*2\r\n$-1\r\n$1\r\nx\r\n",
            "BLPOP" => "*-1\r\n",
            _ => FakeRedis.Usual(c),
        });
        await using var client = await OpenAsync(server.Url.Replace("//", "//u:p@", StringComparison.Ordinal) + "/3");
        Assert.False(client.IsResp3);
        Assert.False(client.Tells);
        Assert.Equal(["HELLO 3 AUTH u p SETNAME stateside", "AUTH u p", "PING", "SELECT 3"], server.Commands.Take(4));
        Assert.True((await client.SendAsync(-1, s_get, default)).IsNull);
        Assert.True((await client.SendAsync(-1, RespCommand.Of("BLPOP"), default)).IsNull);
        var items = (await client.SendAsync(-1, RespCommand.Of("MGET"), default)).Items;
        Assert.Equal((true, "x"), (items[0].IsNull, items[1].Text));
    }

    [Fact]
    public async Task RSP_03_Pushes_between_the_replies_go_to_who_listens_and_shift_no_reply()
    {
        const string Push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
        await using var server = new FakeRedis(c => c[0] == "ECHO" ? $"{Push}${c[1].Length}\r\n{c[1]}\r\n{Push}" : Push + FakeRedis.Usual(c));
        await using var client = new RedisClient(RedisUrl.Parse(server.Url));
        var pushes = 0;
        client.Pushed += push => Interlocked.Increment(ref pushes);
        await client.OpenAsync(default);
        var before = Volatile.Read(ref pushes);
        Assert.InRange(before, 1, 10);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => client.SendAsync(-1, RespCommand.OfWords("ECHO", $"<{i}>"), default).AsTask()));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"<{i}>"), answers.Select(a => a.Text));
        Assert.InRange(Volatile.Read(ref pushes) - before, 199, 200);
    }

    [Theory]
    [InlineData(FakeRedis.Silence, "no answer for")]
    [InlineData(null, "closed it")]
    [InlineData("?what\r\n", "no reply")]
    [InlineData("$99999999999\r\n", "larger than the limits")]
    [InlineData("*2\r\n:1\r\n", "no answer for")]
    public async Task A_lost_answer_is_unknown_within_the_time_out_and_the_next_connection_works(string? answer, string reason)
    {
        var isBroken = false;
        await using var server = new FakeRedis(c => c[0] == "GET" && Volatile.Read(ref isBroken) ? answer : FakeRedis.Usual(c));
        await using var client = await OpenAsync(server.Url + "?timeout=0.3");
        var reconnects = 0;
        client.Reconnected += () => Interlocked.Increment(ref reconnects);
        Volatile.Write(ref isBroken, true);
        var watch = Stopwatch.StartNew();
        var lost = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => FailsAsync(client, s_get)));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        // The first one was sent, whatever became of the others.
        Assert.Equal(Applied.Unknown, lost[0].Applied);
        Assert.False(lost[0].IsAnswer);
        Assert.Contains(reason, lost[0].Message, StringComparison.Ordinal);
        Volatile.Write(ref isBroken, false);
        Assert.Equal("OK", (await RecoverAsync(client, s_get)).Text);
        Assert.InRange(Volatile.Read(ref reconnects), 1, 100);
    }

    [Fact]
    public async Task An_answer_that_nobody_asked_for_ends_the_connection_before_it_can_reach_the_wrong_caller()
    {
        var extra = 1;
        await using var server = new FakeRedis(c => c[0] == "GET" ? "+mine\r\n" + (Interlocked.Exchange(ref extra, 0) == 1 ? "+nobody's\r\n" : "") : FakeRedis.Usual(c));
        await using var client = await OpenAsync(server.Url);
        var reconnected = new TaskCompletionSource();
        client.Reconnected += () => reconnected.TrySetResult();
        Assert.Equal("mine", (await client.SendAsync(-1, s_get, default)).Text);
        await reconnected.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("mine", (await RecoverAsync(client, s_get)).Text);
    }

    [Fact]
    public async Task Nothing_reached_a_server_that_is_not_there_and_callers_hear_it_at_once()
    {
        var client = new RedisClient(RedisUrl.Parse($"redis://u:hunter2@127.0.0.1:{ServerProcess.FreePort()}"));
        await using var _ = client;
        var watch = Stopwatch.StartNew();
        var e = await Assert.ThrowsAsync<RedisException>(() => client.OpenAsync(default));
        for (var i = 0; i < 100; i++) Assert.Equal(Applied.No, (await FailsAsync(client, s_get)).Applied);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        Assert.Equal(Applied.No, e.Applied);
        Assert.Contains("ConnectionRefused", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_takes_connections_and_says_nothing_is_given_up_within_the_time_out()
    {
        await using var server = new FakeRedis(_ => FakeRedis.Silence);
        await using var client = new RedisClient(RedisUrl.Parse(server.Url + "?connect=0.3"));
        var watch = Stopwatch.StartNew();
        Assert.Equal(Applied.No, (await Assert.ThrowsAsync<RedisException>(() => client.OpenAsync(default))).Applied);
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(3));
    }

    [Theory]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.", Applied.No)]
    [InlineData("READONLY You can't write against a read only replica.", Applied.No)]
    [InlineData("LOADING Redis is loading the dataset in memory", Applied.No)]
    [InlineData("MASTERDOWN Link with MASTER is down", Applied.No)]
    [InlineData("MISCONF Redis is configured to save RDB snapshots", Applied.No)]
    [InlineData("NOAUTH Authentication required.", Applied.No)]
    [InlineData("NOPERM this user has no permissions to run the 'set' command", Applied.No)]
    [InlineData("NOPERM ACL failure in script: User has no permissions to run the 'set' command", Applied.Unknown)]
    [InlineData("ERR Error running script", Applied.Unknown)]
    [InlineData("WRONGTYPE Operation against a key", Applied.Unknown)]
    [InlineData("OOMX", Applied.Unknown)]
    public async Task Only_what_a_server_refuses_before_it_begins_counts_as_not_applied(string error, Applied applied)
    {
        await using var server = new FakeRedis(c => c[0] == "GET" ? $"-{error}\r\n" : FakeRedis.Usual(c));
        await using var client = await OpenAsync(server.Url);
        var e = await FailsAsync(client, s_get);
        Assert.Equal((applied, true, error), (e.Applied, e.IsAnswer, e.Message));
    }

    [Fact]
    public async Task A_server_that_is_still_loading_is_not_taken_for_one_outside_a_cluster()
    {
        await using var server = new FakeRedis(c => c[0] == "CLUSTER" ? "-LOADING Redis is loading the dataset in memory\r\n" : FakeRedis.Usual(c));
        await using var client = new RedisClient(RedisUrl.Parse(server.Url));
        Assert.StartsWith("LOADING", (await Assert.ThrowsAsync<RedisException>(() => client.OpenAsync(default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outstanding_commands_are_bounded_and_the_one_too_many_was_not_sent()
    {
        await using var server = new FakeRedis(c => c[0] == "GET" ? FakeRedis.Silence : FakeRedis.Usual(c));
        var client = await OpenAsync(server.Url + "?timeout=60");
        var waiting = Enumerable.Range(0, RespConnection.MaxOutstanding).Select(_ => client.SendAsync(-1, s_get, default).AsTask()).ToArray();
        var e = await FailsAsync(client, s_get);
        Assert.Equal(Applied.No, e.Applied);
        Assert.Contains("Too many", e.Message, StringComparison.Ordinal);
        await client.DisposeAsync();
        foreach (var one in waiting) await Assert.ThrowsAsync<RedisException>(() => one);
    }

    [Theory]
    [InlineData("-MOVED 7 127.0.0.1:{0}\r\n")]
    [InlineData("-ASK 7 127.0.0.1:{0}\r\n")]
    [InlineData("-TRYAGAIN Multiple keys request during rehashing of slot\r\n")]
    [InlineData("-MOVED\r\n")]
    [InlineData("-MOVED 7 nowhere\r\n")]
    [InlineData("-ASK 7 :99999999\r\n")]
    [InlineData("-CLUSTERDOWN The cluster is down\r\n")]
    public async Task Redirections_that_lead_nowhere_end(string answer)
    {
        FakeRedis? server = null;
        await using var _ = server = new FakeRedis(c => c[0] switch
        {
            "CLUSTER" => $"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:{server!.Port}\r\n",
            "GET" => string.Format(System.Globalization.CultureInfo.InvariantCulture, answer, server!.Port),
            _ => FakeRedis.Usual(c),
        });
        await using var client = await OpenAsync(server.Url);
        Assert.True(client.IsCluster);
        var watch = Stopwatch.StartNew();
        var e = await Assert.ThrowsAsync<RedisException>(async () => await client.SendAsync(7, s_get, default));
        Assert.Equal(Applied.No, e.Applied);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(server.Commands.Count(c => c == "GET k"), 1, 9);
    }

    [Theory]
    [InlineData("*0\r\n")]
    [InlineData("+OK\r\n")]
    [InlineData("*1\r\n*3\r\n:-5\r\n:99999\r\n*2\r\n$1\r\nx\r\n:1\r\n")]
    [InlineData("*1\r\n*3\r\n:9\r\n:5\r\n*2\r\n$1\r\nx\r\n:1\r\n")]
    [InlineData("*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n*0\r\n:70000\r\n")]
    [InlineData("*3\r\n:1\r\n_\r\n*1\r\n*0\r\n")]
    public async Task A_map_that_makes_no_sense_sends_nobody_anywhere(string map)
    {
        await using var server = new FakeRedis(c => c[0] == "CLUSTER" ? map : FakeRedis.Usual(c));
        await using var client = await OpenAsync(server.Url);
        Assert.Equal("OK", (await client.SendAsync(100, s_get, default)).Text);
    }

    [Fact]
    public async Task Sixty_four_callers_get_their_own_answers_while_others_are_cancelled()
    {
        await using var server = await TestRedis.StartAsync();
        await using var client = await OpenAsync(server.Url);
        var reconnects = 0;
        client.Reconnected += () => Interlocked.Increment(ref reconnects);
        var (answered, cancelled) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(async caller =>
        {
            var random = new Random(caller);
            for (var i = 0; i < 400; i++)
            {
                using var cancel = new CancellationTokenSource();
                var text = $"{caller}:{i}:" + new string('x', random.Next(300));
                var sent = client.SendAsync(-1, RespCommand.OfWords("ECHO", text), cancel.Token);
                if (random.Next(4) == 0) await cancel.CancelAsync();
                try
                {
                    Assert.Equal(text, (await sent).Text);
                    Interlocked.Increment(ref answered);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                }
            }
        }));
        Assert.Equal(64 * 400, answered + cancelled);
        Assert.InRange(cancelled, 100, 64 * 400 / 3);
        Assert.Equal(0, reconnects);
        Assert.Equal("end", (await client.SendAsync(-1, RespCommand.OfWords("ECHO", "end"), default)).Text);
    }

    [Fact]
    public async Task A_caller_who_is_cancelled_is_let_go_at_once_and_the_answers_of_the_others_stay_theirs()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new FakeRedis(c =>
        {
            if (c[0] != "ECHO") return FakeRedis.Usual(c);
            release.Task.Wait(TimeSpan.FromSeconds(30));
            return $"${c[1].Length}\r\n{c[1]}\r\n";
        });
        await using var client = await OpenAsync(server.Url + "?timeout=60");
        using var leaving = new CancellationTokenSource();
        var before = client.SendAsync(-1, RespCommand.OfWords("ECHO", "before"), default).AsTask();
        var gone = client.SendAsync(-1, RespCommand.OfWords("ECHO", "gone"), leaving.Token).AsTask();
        var after = client.SendAsync(-1, RespCommand.OfWords("ECHO", "after"), default).AsTask();
        await leaving.CancelAsync();
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(leaving.Token, e.CancellationToken);
        Assert.False(before.IsCompleted);
        release.SetResult();
        Assert.Equal(("before", "after"), ((await before).Text, (await after).Text));
    }

    [Theory]
    [InlineData("*0\r\n", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n")]
    [InlineData(":1\r\n", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n")]
    [InlineData("*2\r\n_\r\n_\r\n", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n")]
    [InlineData("*1\r\n_\r\n", "*0\r\n")]
    [InlineData("*1\r\n_\r\n", "*2\r\n$1\r\nx\r\n$1\r\n1\r\n")]
    [InlineData("*1\r\n_\r\n", "*2\r\n$20\r\n99999999999999999999\r\n$1\r\n1\r\n")]
    public async Task An_answer_that_no_Redis_gives_to_a_load_is_a_failure_of_the_store(string values, string time)
    {
        var isOpen = false;
        await using var server = new FakeRedis(c => (c[0], Volatile.Read(ref isOpen)) switch
        {
            ("MGET", true) => values,
            ("TIME", true) => time,
            _ => FakeRedis.Usual(c),
        });
        await using var client = await OpenAsync(server.Url);
        Volatile.Write(ref isOpen, true);
        var layout = new RedisLayout("ss:");
        var reader = new RedisReader(client, layout, new int[Group.ShardCount], new RowCache());
        var key = new StateKey(Group.Keyed("1"), "cart", "");
        await Assert.ThrowsAsync<FormatException>(() => reader.LoadAsync(new LoadRequest([key]), default).AsTask());
    }

    [Theory]
    [InlineData("+OK\r\n")]
    [InlineData(":2\r\n")]
    [InlineData("*1\r\n$1\r\nf\r\n")]
    [InlineData("*3\r\n$1\r\nc\r\n:1\r\n*0\r\n")]
    [InlineData("*3\r\n$1\r\nr\r\n:1\r\n_\r\n")]
    public async Task An_answer_that_the_script_never_gives_to_a_commit_leaves_it_unknown(string answer)
    {
        await using var server = new FakeRedis(c => c[0] == "ECHO" ? answer : FakeRedis.Usual(c));
        await using var client = await OpenAsync(server.Url);
        var odd = await client.SendAsync(-1, RespCommand.OfWords("ECHO"), default);
        var group = Group.Keyed("1");
        var commit = new Commit(group, TurnId.New()) { Rows = [new RowWrite(new StateKey(group, "cart", ""), RowChange.Put, StateVersion.None) { Schema = 1 }] };
        Assert.Equal(Applied.Unknown, Assert.Throws<StoreException>(() => RedisCommit.Read(odd, commit, new RowCache())).Applied);
    }
}
