using Microsoft.AspNetCore.Connections.Features;
using Stateside.AspNetCore.Forwarding;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>
/// What the forwarder calls "not sent" is sent again, whatever it does. So it must be so: here the owner applies and then dies, at every
/// stage of an exchange, and the runs of its handler are counted.
/// </summary>
public sealed class AtMostOnceTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(Fate.ResetAtHead), InlineData(Fate.EndAtHead), InlineData(Fate.CutAtHead), InlineData(Fate.End), InlineData(Fate.Cut), InlineData(Fate.GoAwayAfter), InlineData(Fate.HeadOnly)]
    public async Task What_a_handler_has_seen_is_lost_and_never_unsent(object fate)
    {
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        await using var owner = new FakeOwner(pair) { Fates = _ => (Fate)fate };
        pair.Owner = owner.Address;
        Assert.StartsWith("Lost", await PostAsync(pair, "/r-1", 10), StringComparison.Ordinal);
        // The same on a connection that another request has opened.
        owner.Fates = path => path == "/r-2" ? Fate.Answer : (Fate)fate;
        Assert.Equal("", await PostAsync(pair, "/r-2", 10));
        Assert.StartsWith("Lost", await PostAsync(pair, "/r-3", 10), StringComparison.Ordinal);
        Assert.Equal([1, 1, 1], new[] { "/r-1", "/r-2", "/r-3" }.Select(path => owner.Runs[path]));
    }

    [Theory]
    [InlineData(Door.ShutAtOnce), InlineData(Door.ShutInHandshake)]
    public async Task What_found_no_open_door_was_not_sent(object door)
    {
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        await using var owner = new FakeOwner(pair) { Doors = () => (Door)door };
        pair.Owner = owner.Address;
        Assert.Equal("NotSent 0 True", await PostAsync(pair, "/r-1", 10));
        Assert.Empty(owner.Runs);
    }

    [Fact]
    public async Task What_the_owner_promises_not_to_have_begun_is_sent_again_and_done_once()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        var tries = 0;
        await using var owner = new FakeOwner(pair) { Fates = _ => (tries++ % 2) switch { 0 => Fate.Refuse, _ => Fate.Answer } };
        pair.Owner = owner.Address;
        Assert.Equal("", await GetAsync(pair, "/r-1"));
        owner.Fates = _ => tries++ == 2 ? Fate.GoAwayBefore : Fate.Answer;
        Assert.Equal("", await GetAsync(pair, "/r-2"));
        owner.Fates = _ => Fate.Refuse;
        Assert.Equal("NotSent 0 True", await GetAsync(pair, "/r-3"));
        Assert.Equal([("/r-1", 1), ("/r-2", 1)], owner.Runs.OrderBy(r => r.Key).Select(r => (r.Key, r.Value)));
    }

    [Fact]
    public async Task A_body_that_is_spent_proves_nothing_since_its_head_went_out_once_more()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        var (tries, again) = (0, new TaskCompletionSource());
        await using var owner = new FakeOwner(pair) { Fates = _ => tries++ == 0 ? Fate.GoAwayBefore : Again() };
        pair.Owner = owner.Address;
        Assert.Equal("Lost 0 False", await PostAsync(pair, "/r-1", 500_000));
        await again.Task.WaitAsync(Soon);

        Fate Again()
        {
            again.TrySetResult();
            return Fate.EndAtHead;
        }
    }

    [Fact]
    public async Task A_connection_outlives_the_link_that_opened_it()
    {
        // A request that still asks for an earlier start of the node takes that start's place away; the connection stays.
        var die = new TaskCompletionSource();
        var runs = 0;
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            if (c.Request.Path != "/r-2") return;
            Interlocked.Increment(ref runs);
            await die.Task;
            c.Features.Get<IConnectionLifetimeFeature>()!.Abort();
        }));
        var now = pair.Owner;
        Assert.Equal("", await GetAsync(pair, "/r-1"));
        pair.Owner = now with { Incarnation = 6 };
        Assert.Equal("NotSent 0 True", await GetAsync(pair, "/r-1"));
        pair.Owner = now;
        var sending = PostAsync(pair, "/r-2", 10);
        die.SetResult();
        Assert.StartsWith("Lost", await sending, StringComparison.Ordinal);
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task Requests_that_come_at_once_over_a_new_connection_are_lost_with_it()
    {
        const int Count = 64;
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        for (var start = 0; start < 20; start++)
        {
            var (runs, all) = (0, new TaskCompletionSource());
            await using var owner = new FakeOwner(pair);
            // Every head is read, and none is answered before the node dies.
            owner.Fates = Hold;
            pair.Owner = owner.Address;
            var sending = Enumerable.Range(0, Count).Select(i => PostAsync(pair, $"/r-{i}", 10)).ToArray();
            await all.Task.WaitAsync(Soon);
            owner.Restart();
            Assert.All(await Task.WhenAll(sending), text => Assert.StartsWith("Lost", text, StringComparison.Ordinal));

            Fate Hold(string path)
            {
                if (Interlocked.Increment(ref runs) == Count) all.TrySetResult();
                return Fate.Hold;
            }
        }
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public async Task No_handler_runs_twice_whatever_becomes_of_the_owner(int seed)
    {
        const int Count = 400;
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        await using var owner = new FakeOwner(pair);
        var random = new Random(seed);
        var fates = Enum.GetValues<Fate>();
        owner.Doors = () => Draw(6) == 0 ? (Door)Draw(5) : Door.Open;
        owner.Fates = path => Draw(12) == 0 ? fates[Draw(fates.Length - 1)] : Fate.Answer;
        var (next, answered, lost, unsent) = (0, 0, 0, 0);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ClientAsync()));
        Assert.All(owner.Runs, run => Assert.Equal(1, run.Value));
        Assert.Equal(Count, answered + lost + unsent);
        // Both kinds happen, so that both were tried.
        Assert.InRange(answered, Count / 4, Count);
        Assert.InRange(lost, 10, Count);

        async Task ClientAsync()
        {
            while (Interlocked.Increment(ref next) is var i and <= Count)
            {
                if (Draw(60) == 0) owner.Restart();
                var text = "NotSent";
                for (var tries = 0; text.StartsWith("NotSent", StringComparison.Ordinal) && tries < 20; tries++)
                {
                    var now = owner.Address;
                    // Some still ask for the start before.
                    pair.Owner = Draw(10) == 0 ? now with { Incarnation = now.Incarnation - 1 } : now;
                    text = Draw(2) == 0 ? await GetAsync(pair, $"/r-{i}") : await PostAsync(pair, $"/r-{i}", Draw(3) * 1000);
                    if (text.StartsWith("NotSent", StringComparison.Ordinal)) Assert.False(owner.Runs.ContainsKey($"/r-{i}"), $"request {i} was called unsent and has run");
                    if (text == "NotSent 0 False") break;
                }
                Interlocked.Increment(ref text == "" ? ref answered : ref text.StartsWith("NotSent", StringComparison.Ordinal) ? ref unsent : ref lost);
            }
        }

        int Draw(int below)
        {
            lock (random) return random.Next(below);
        }
    }

    /// <summary>The text of the outcome; empty if the owner's answer was relayed, "cut" if it was cut.</summary>
    private static async Task<string> SendAsync(Pair pair, HttpRequestMessage request)
    {
        try
        {
            using var response = await pair.Client.SendAsync(request).WaitAsync(Soon);
            return await response.Content.ReadAsStringAsync();
        }
        catch (HttpRequestException)
        {
            return "cut";
        }
    }

    private static async Task<string> PostAsync(Pair pair, string path, int length)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(new byte[length]) };
        return await SendAsync(pair, request);
    }

    private static async Task<string> GetAsync(Pair pair, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(pair, request);
    }
}
