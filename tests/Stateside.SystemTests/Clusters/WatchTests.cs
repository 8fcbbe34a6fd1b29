using System.Globalization;
using System.Text.Json.Nodes;
using Stateside.SystemTests.Support;
using Xunit.Abstractions;

namespace Stateside.SystemTests.Clusters;

/// <summary>Followers of states on three nodes, through a gateway, while the nodes die, stop and come back.</summary>
public sealed class WatchTests(ITestOutputHelper output)
{
    private const int Rooms = 6;

    [Theory, MemberData(nameof(ClusterTests.Engines), MemberType = typeof(ClusterTests))]
    public async Task Followers_of_events_hear_each_once_and_in_order_and_of_values_the_newest_whatever_happens_to_the_owners(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url, "Stateside.CrashHost");
        var speakers = Enumerable.Range(0, Rooms).Select(i => new Speaker(fleet.Url, $"{i}")).ToArray();
        var rooms = Enumerable.Range(0, Rooms * 2).Select(i => new Follower(new Uri(fleet.Url, $"/rooms/{i % Rooms}/events"))).ToArray();
        var counters = Enumerable.Range(0, Rooms).Select(i => new Follower(new Uri(fleet.Url, $"/counters/{i}/events"))).ToArray();
        try
        {
            await SaidAsync(speakers, 20);
            for (var i = 0; i < 3; i++)
            {
                await fleet.KillAsync(i);
                await SaidAsync(speakers, 15);
                await fleet.StartNodeAsync(i);
                await SaidAsync(speakers, 15);
            }
            for (var i = 0; i < 3; i++)
            {
                await fleet.StopAsync(i);
                await fleet.StartNodeAsync(i);
                await SaidAsync(speakers, 15);
            }
            foreach (var speaker in speakers) await speaker.StopAsync();
            for (var i = 0; i < Rooms; i++) await CheckAsync(fleet, speakers[i], [rooms[i], rooms[i + Rooms]], counters[i]);
            Assert.All(rooms.Concat(counters), f => Assert.Null(f.Refused));
            output.WriteLine($"{engine}: {speakers.Sum(s => s.Said.Count)} events and additions, {speakers.Sum(s => s.Unknown.Count)} without an answer; a follower began {rooms.Average(f => f.Streams):N1} times to listen");
            Assert.True(rooms.Sum(f => f.Streams) > rooms.Length, "No follower has lost its stream, so nothing was tried.");
        }
        finally
        {
            foreach (var follower in rooms.Concat(counters)) await follower.DisposeAsync();
            foreach (var speaker in speakers) await speaker.DisposeAsync();
        }
    }

    private static async Task CheckAsync(Fleet fleet, Speaker speaker, Follower[] followers, Follower counter)
    {
        await using var whole = new Follower(new Uri(fleet.Url, $"/rooms/{speaker.Room}/events"));
        await Eventually.TrueAsync(() => followers.Append(whole).All(f => f.Heard.Length >= speaker.Said.Count && f.Heard.Length == followers[0].Heard.Length), TimeSpan.FromSeconds(30),
            () => $"room {speaker.Room}: {speaker.Said.Count} were said, and heard {string.Join(", ", followers.Append(whole).Select(f => f.Heard.Length))}");
        var journal = whole.Heard;
        Assert.Equal(Enumerable.Range(1, journal.Length).Select(n => n.ToString(CultureInfo.InvariantCulture)), journal.Select(e => e.Id));
        Assert.Distinct(journal.Select(e => e.Data));
        var texts = journal.Select(e => e.Data.Trim('"')).ToArray();
        Assert.Empty(speaker.Said.Except(texts));
        Assert.Empty(texts.Except(speaker.Said).Except(speaker.Unknown));
        Assert.Equal(speaker.Said, texts.Where(speaker.Said.Contains));
        Assert.All(followers, f => Assert.Equal(journal, f.Heard));

        await Eventually.TrueAsync(async () => counter.Heard.Length > 0 && Value(counter.Heard[^1].Data) == await speaker.CountAsync(), TimeSpan.FromSeconds(30),
            () => $"counter {speaker.Room} was not followed to its end: {counter.Heard.LastOrDefault()}");
        var values = counter.Heard.Select(e => Value(e.Data)).ToArray();
        Assert.Equal(values.Distinct().Order(), values);
    }

    private static int Value(string data) => (int)JsonNode.Parse(data)!["value"]!;

    private static Task SaidAsync(Speaker[] speakers, int more)
    {
        var before = speakers.Select(s => s.Said.Count).ToArray();
        return Eventually.TrueAsync(() => speakers.Index().All(s => s.Item.Said.Count >= before[s.Index] + more), TimeSpan.FromSeconds(60), () => "nothing is said any more");
    }

    /// <summary>Says something in a room and adds to a counter, one after the other, and remembers what was acknowledged.</summary>
    private sealed class Speaker : IAsyncDisposable
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(30) };
        private readonly CancellationTokenSource _stop = new();
        private readonly Uri _url;
        private readonly Task _speaking;

        public Speaker(Uri url, string room)
        {
            (_url, Room) = (url, room);
            _speaking = SpeakAsync();
        }

        public string Room { get; }

        public List<string> Said { get; } = [];

        public List<string> Unknown { get; } = [];

        public async Task<int> CountAsync() => Value(await _http.GetStringAsync(new Uri(_url, $"/counters/{Room}")));

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _speaking;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _http.Dispose();
            _stop.Dispose();
        }

        private async Task SpeakAsync()
        {
            for (var n = 1; !_stop.IsCancellationRequested; n++)
            {
                var text = $"{Room}.{n}";
                var said = await SendAsync($"/rooms/{Room}?text={text}");
                if (said == true) Said.Add(text);
                else if (said is null) Unknown.Add(text);
                await SendAsync($"/counters/{Room}");
            }
        }

        /// <returns>True: it was done; false: it was not; null: unknown.</returns>
        private async Task<bool?> SendAsync(string path)
        {
            try
            {
                using var response = await _http.PostAsync(new Uri(_url, path), null);
                if (response.IsSuccessStatusCode) return true;
                var body = JsonNode.Parse(await response.Content.ReadAsStringAsync());
                return (string?)body?["applied"] == "no" ? false : null;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or System.Text.Json.JsonException)
            {
                return null;
            }
        }
    }
}
