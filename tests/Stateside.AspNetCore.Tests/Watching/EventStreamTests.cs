using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.AspNetCore.Tests.Support;
using Stateside.AspNetCore.Watching;
using Stateside.Testing;
using Stateside.Turns;

namespace Stateside.AspNetCore.Tests.Watching;

/// <summary>States as Server-Sent Events.</summary>
public class EventStreamTests
{
    private static Task<TestApp> StartAsync(AppSetup? setup = null) => TestApp.StartAsync(app =>
    {
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapDelete("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Delete());
        app.MapGet("/tallies/{id}/events", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Watch());
        app.MapPut("/letters/{id}", ([RouteKey("id")] State<Letter> letter) => letter.Set(new("x")).Text);
        app.MapGet("/letters/{id}/events", ([RouteKey("id")] Snapshot<Letter> letter) => letter.Watch(l => l.Text));
        app.MapPost("/both/{id}", ([RouteKey("id")] State<Tally> tally, [RouteKey("id")] Snapshot<Letter> letter) =>
        {
            tally.Update(t => t.Add());
            return letter.Watch(l => l.Text);
        });
        app.MapPost("/rooms/{id}", ([RouteKey("id")] State<Hall> hall, Item item) => hall.Raise(new Called(item.Name)).Count);
        app.MapDelete("/rooms/{id}", ([RouteKey("id")] State<Hall> hall) => hall.Delete());
        app.MapGet("/rooms/{id}/events", ([RouteKey("id")] Snapshot<Hall> hall) => hall.WatchEvents<Hall, Called>());
        app.MapGet("/rooms/{id}/new", ([RouteKey("id")] Snapshot<Hall> hall) => hall.WatchEvents<Hall, Called, string>(e => e.Name, hall.EventNumber));
        app.MapGet("/basket/events", (Snapshot<Basket> basket) => basket.Watch(b => b.Items.Length));
        app.MapPost("/basket", (State<Basket> basket) => basket.Update(b => b.Add("x")).Items.Length);
        app.MapGet("/mine/events", ([UserKey] Snapshot<Tally> tally) => tally.Watch());
    }, new AppSetup
    {
        Time = setup?.Time, Users = true, Settings = setup?.Settings ?? [], Build = setup?.Build,
        Before = app => app.UseAuthentication(),
        Declare = s => s.AddFold("hall", HallJson.Default.Hall, HallJson.Default.Called, new Hall(0)),
    });

    private static int Watchers(TestApp app) => app.Services.GetRequiredService<StatesideRuntimeHolder>().Runtime.Watches.Count;

    [Fact]
    public async Task A_plain_state_comes_with_its_version_as_the_id_and_the_bytes_are_those_of_the_standard()
    {
        await using var app = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/tallies/1/events");
        using var response = await app.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var stream = await response.Content.ReadAsStreamAsync();
        Assert.Equal(("text/event-stream", "no-store", null), (response.Content.Headers.ContentType!.ToString(), response.Headers.CacheControl!.ToString(), response.Headers.ETag));
        await ExpectAsync(stream, "retry: 1000\n\nevent: absent\ndata: {\"value\":0}\n\n");
        var posted = await app.PostAsync("/tallies/1");
        await ExpectAsync(stream, $"id: {posted["ETag"]!.Trim('"')}\ndata: {{\"value\":1}}\n\n");
        await app.SendAsync(HttpMethod.Delete, "/tallies/1");
        var deleted = (await app.Store.Inner.LoadAsync(new([StateKey.From("tally", "1")]), default)).Rows[0].Version;
        await ExpectAsync(stream, $"id: {deleted}\nevent: absent\ndata: {{\"value\":0}}\n\n");
    }

    [Fact]
    public async Task A_state_without_an_empty_value_is_null_while_it_is_absent()
    {
        await using var app = await StartAsync();
        await using var events = await EventReader.OpenAsync(app.Client, "/letters/1/events");
        Assert.Equal((null, "absent", "null"), await events.NextAsync());
        await app.SendAsync(HttpMethod.Put, "/letters/1");
        var next = await events.NextAsync();
        Assert.Equal((null, "\"x\""), (next!.Value.Name, next.Value.Data));
    }

    [Fact]
    public async Task One_who_comes_back_gets_only_what_it_has_not_seen()
    {
        await using var app = await StartAsync();
        var tag = (await app.PostAsync("/tallies/1"))["ETag"]!.Trim('"');
        await using var plain = await EventReader.OpenAsync(app.Client, "/tallies/1/events", tag);
        var next = await app.PostAsync("/tallies/1");
        Assert.Equal((next["ETag"]!.Trim('"'), null, "{\"value\":2}"), await plain.NextAsync());
        foreach (var name in (string[])["a", "b", "c"]) await SayAsync(app, name);
        await using var all = await EventReader.OpenAsync(app.Client, "/rooms/1/events");
        Assert.Equal([("1", null, "{\"name\":\"a\"}"), ("2", null, "{\"name\":\"b\"}"), ("3", null, "{\"name\":\"c\"}")], [await all.NextAsync(), await all.NextAsync(), await all.NextAsync()]);
        await using var later = await EventReader.OpenAsync(app.Client, "/rooms/1/events", "2");
        Assert.Equal(("3", null, "{\"name\":\"c\"}"), await later.NextAsync());
        await using var fresh = await EventReader.OpenAsync(app.Client, "/rooms/1/new");
        await SayAsync(app, "d");
        Assert.Equal(("4", null, "\"d\""), await fresh.NextAsync());
        Assert.Equal(("4", null, "{\"name\":\"d\"}"), await later.NextAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("not a number")]
    [InlineData("99999999999999999999999999")]
    public async Task A_last_event_that_is_none_counts_as_none(string lastEventId)
    {
        await using var app = await StartAsync();
        await SayAsync(app, "a");
        await app.PostAsync("/tallies/1");
        await using var room = await EventReader.OpenAsync(app.Client, "/rooms/1/events", lastEventId);
        Assert.Equal("1", (await room.NextAsync())!.Value.Id);
        await using var plain = await EventReader.OpenAsync(app.Client, "/tallies/1/events", lastEventId);
        Assert.Equal("{\"value\":1}", (await plain.NextAsync())!.Value.Data);
    }

    [Fact]
    public async Task What_is_not_kept_is_410_before_anything_is_sent()
    {
        await using var app = await StartAsync();
        await SayAsync(app, "a");
        Problem.Is(await app.GetAsync("/rooms/1/events", ("Last-Event-ID", "2")), "SS1025", 410);
        await using var events = await EventReader.OpenAsync(app.Client, "/rooms/1/events");
        await events.NextAsync();
        await app.SendAsync(HttpMethod.Delete, "/rooms/1");
        Assert.Null(await events.NextAsync());
        Problem.Is(await app.GetAsync("/rooms/1/events", ("Last-Event-ID", "1")), "SS1025", 410);
        Assert.Equal(0, Watchers(app));
    }

    [Fact]
    public async Task Silence_is_broken_by_a_comment_every_fifteen_seconds()
    {
        var clock = new ManualClock();
        await using var app = await StartAsync(new() { Time = clock });
        await using var events = await EventReader.OpenAsync(app.Client, "/tallies/1/events");
        await events.NextAsync();
        Assert.Equal("1000", events.Retry);
        for (var i = 0; i < 3; i++)
        {
            var next = events.NextAsync();
            // The stream may not have begun to wait when the clock is moved, and then waits from there.
            while (!next.IsCompleted)
            {
                clock.Advance(EventStream.Heartbeat / 3);
                await Task.Delay(TimeSpan.FromMilliseconds(5));
            }
            Assert.Equal((null, ":", ""), await next);
        }
        await app.PostAsync("/tallies/1");
        Assert.Equal("{\"value\":1}", (await events.NextAsync())!.Value.Data);
    }

    [Fact]
    public async Task A_stream_holds_no_turn_and_a_client_that_goes_leaves_nothing_behind()
    {
        await using var app = await StartAsync(new() { Settings = { ["Limits:MaxTurns"] = "1" } });
        var readers = new List<EventReader>();
        for (var i = 0; i < 20; i++) readers.Add(await EventReader.OpenAsync(app.Client, "/tallies/1/events"));
        foreach (var reader in readers) await reader.NextAsync();
        Assert.Equal((20, 0), (Watchers(app), app.Gate.Turns));
        var loads = app.Store.Loads;
        Assert.Equal("1", (await app.PostAsync("/tallies/1")).Text);
        foreach (var reader in readers) Assert.Equal("{\"value\":1}", (await reader.NextAsync())!.Value.Data);
        // One for the turn, and one look for all who watch, or two where the store's own word of it came late.
        Assert.InRange(app.Store.Loads - loads, 2, 3);
        foreach (var reader in readers) await reader.DisposeAsync();
        for (var i = 0; i < 1000 && Watchers(app) > 0; i++) await Task.Delay(TimeSpan.FromMilliseconds(10));
        Assert.Equal(0, Watchers(app));
    }

    [Fact]
    public async Task A_handler_that_changes_states_cannot_stream_and_changes_nothing()
    {
        await using var app = await StartAsync();
        Problem.Is(await app.PostAsync("/both/1"), "SS1016", 500);
        Assert.Equal((0, 0), (app.Store.Commits, Watchers(app)));
    }

    [Fact]
    public async Task A_stream_of_the_session_or_the_user_is_for_them_alone()
    {
        await using var app = await StartAsync();
        Problem.Is(await app.GetAsync("/mine/events"), "SS1013", 401);
        await using var mine = await EventReader.OpenAsync(app.Client, "/mine/events", null, ("X-User", "ada"));
        Assert.Equal("{\"value\":0}", (await mine.NextAsync())!.Value.Data);
        var cookie = await app.BeginSessionAsync("/basket");
        await using var basket = await EventReader.OpenAsync(app.Client, "/basket/events", null, cookie);
        await using var stranger = await EventReader.OpenAsync(app.Client, "/basket/events");
        Assert.Equal("1", (await basket.NextAsync())!.Value.Data);
        Assert.Equal("0", (await stranger.NextAsync())!.Value.Data);
        await app.PostAsync("/basket", cookie);
        Assert.Equal("2", (await basket.NextAsync())!.Value.Data);
    }

    [Fact]
    public async Task JSON_of_several_lines_is_several_lines_of_one_event()
    {
        await using var app = await StartAsync(new() { Build = b => b.Services.ConfigureHttpJsonOptions(o => o.SerializerOptions.WriteIndented = true) });
        await using var events = await EventReader.OpenAsync(app.Client, "/tallies/1/events");
        Assert.Equal("{\n  \"value\": 0\n}", (await events.NextAsync())!.Value.Data);
    }

    [Fact]
    public async Task Streams_end_when_the_application_stops_and_do_not_hold_it_up()
    {
        var app = await StartAsync();
        await using var events = await EventReader.OpenAsync(app.FreshClient(), "/tallies/1/events");
        await events.NextAsync();
        var began = TimeProvider.System.GetTimestamp();
        var stopping = app.DisposeAsync();
        Assert.Null(await events.NextAsync());
        await stopping;
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Watching_what_lives_with_the_client_stops_the_start()
    {
        var e = await Assert.ThrowsAsync<StatesideConfigurationException>(() => TestApp.StartAsync(
            app => app.MapGet("/basket/events", (Snapshot<Basket> basket) => basket.Watch()).WithDisplayName("events"),
            new() { Settings = { ["States:basket:Place"] = "Client" } }));
        Assert.Equal("SS2014 Endpoint \"events\" watches \"basket\", but the state lives with the client (Stateside:States:basket:Place), and nobody else sees it change. Let it live in the store or on nodes.",
            Assert.Single(e.Faults).ToString());
    }

    private static async Task SayAsync(TestApp app, string name) => Assert.Equal(200, (await app.PostAsync("/rooms/1", JsonSerializer.Serialize(new Item(name)))).Status);

    private static async Task ExpectAsync(Stream stream, string text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        await stream.ReadExactlyAsync(bytes).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(text, Encoding.UTF8.GetString(bytes));
    }
}

internal sealed record Called(string Name);

/// <summary>A folded state.</summary>
internal sealed record Hall(int Count) : IFold<Hall, Called>
{
    public Hall Apply(Called e) => new(Count + 1);
}

[JsonSerializable(typeof(Hall)), JsonSerializable(typeof(Called))]
internal sealed partial class HallJson : JsonSerializerContext;
