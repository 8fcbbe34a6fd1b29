using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Http;

/// <summary>What stops the start, with every fault in one message, and what the first request finds.</summary>
public class StartUpTests
{
    private static async Task<IReadOnlyList<ConfigurationFault>> FaultsAsync(Action<WebApplication> map, AppSetup? setup = null) =>
        (await Assert.ThrowsAsync<StatesideConfigurationException>(() => TestApp.StartAsync(map, setup))).Faults;

    [Fact]
    public async Task All_faults_of_all_endpoints_come_in_one_message_with_the_fix()
    {
        var faults = await FaultsAsync(app =>
        {
            app.MapGet("/get", (State<Tally> tally) => tally.Value.Value).WithDisplayName("get");
            app.Map("/any", (State<Tally> tally) => tally.Value.Value).WithDisplayName("any");
            app.MapPost("/stranger", (State<Stranger> stranger) => stranger.Exists).WithDisplayName("stranger");
            app.MapPost("/groups/{id}", ([RouteKey("id")] State<Tally> tally, State<Basket> basket) => basket.Exists).WithDisplayName("groups");
            app.MapPost("/route/{id}", ([RouteKey("key")] State<Tally> tally) => tally.Exists).WithDisplayName("route");
            app.MapPost("/new", ([NewKey] Snapshot<Letter> letter) => letter.Exists).WithDisplayName("new");
            app.MapPost("/good", (State<Tally> tally) => tally.Exists);
        }, new() { UseStateside = false });
        Assert.Equal(
        [
            "SS2008 Endpoint \"get\" answers GET or HEAD and takes a State<T>. Caches and crawlers repeat such requests: take a Snapshot<T>, or map another method.",
            "SS2008 Endpoint \"any\" answers GET or HEAD and takes a State<T>. Caches and crawlers repeat such requests: take a Snapshot<T>, or map another method.",
            "SS2012 Endpoint \"stranger\" takes a state of type Stranger, which is not declared. Declared: basket, tally, letter. Add it: builder.AddStateside().AddState(\"name\", Json.Default.Stranger).",
            "SS2013 Endpoint \"groups\" takes State<T> parameters under keys of different groups, and a turn writes one group. Take all but one of them as Snapshot<T>, or put them under one key.",
            "SS2014 Endpoint \"route\" takes [RouteKey(\"key\")], but its route has no {key}. Spell both alike.",
            "SS2014 Endpoint \"new\" takes [NewKey] on a Snapshot<T>; what is new cannot be read. Take a State<T>.",
            "SS2011 Endpoints take states, but app.UseStateside() is not called. Call it after authentication and authorization, before app.Run().",
        ], faults.Select(f => f.ToString()));
    }

    [Fact]
    public async Task An_application_without_states_needs_no_middleware()
    {
        await using var app = await TestApp.StartAsync(a => a.MapGet("/", () => "plain"), new() { UseStateside = false });
        Assert.Equal("plain", (await app.GetAsync("/")).Text);
        Assert.Equal(0, app.Store.Loads);
    }

    [Theory]
    [InlineData("/authorized")]
    [InlineData("/mine")]
    public async Task SS2011_UseStateside_before_authentication_or_authorization_fails_each_request_and_applies_nothing(string path)
    {
        var seen = new List<string>();
        await using var app = await TestApp.StartAsync(a =>
        {
            a.MapPost("/authorized", (State<Tally> tally) => tally.Update(t => t.Add()).Value).RequireAuthorization();
            a.MapPost("/mine", ([UserKey] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        }, new()
        {
            Users = true,
            Before = a =>
            {
                a.Use(async (http, next) =>
                {
                    try { await next(); }
                    catch (InvalidOperationException e) { seen.Add(e.Message); http.Response.StatusCode = 500; }
                });
                // Routing comes first, so that the endpoint is known; then Stateside, and what it should follow comes after.
                a.UseRouting();
            },
            After = a => { a.UseAuthentication(); a.UseAuthorization(); },
        });
        Assert.Equal(500, (await app.PostAsync(path, ("X-User", "alice"))).Status);
        Assert.StartsWith("SS2011 app.UseStateside() stands before", Assert.Single(seen), StringComparison.Ordinal);
        Assert.Equal(0, app.Store.Commits);
    }

    [Fact]
    public async Task SS2011_UseStateside_before_routing_says_so_at_the_first_request()
    {
        var seen = new List<string>();
        await using var app = await TestApp.StartAsync(a => a.MapPost("/count", (State<Tally> tally) => tally.Update(t => t.Add()).Value), new()
        {
            Before = a => a.Use(async (http, next) =>
            {
                http.SetEndpoint(null);
                try { await next(); }
                catch (InvalidOperationException e) { seen.Add(e.Message); http.Response.StatusCode = 500; }
            }),
            After = a => a.UseRouting(),
        });
        Assert.Equal(500, (await app.PostAsync("/count")).Status);
        Assert.Contains("SS2011", Assert.Single(seen), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_anonymous_request_for_a_users_state_is_401_and_users_never_meet()
    {
        await using var app = await TestApp.StartAsync(a =>
        {
            a.MapPost("/mine", ([UserKey] State<Tally> tally) => tally.Update(t => t.Add()).Value);
            a.MapGet("/mine", ([UserKey] Snapshot<Tally> tally) => tally.Value.Value);
        }, new() { Users = true });
        Problem.Is(await app.PostAsync("/mine"), "SS1013", 401);
        Problem.Is(await app.GetAsync("/mine"), "SS1013", 401);
        Assert.Equal("1", (await app.PostAsync("/mine", ("X-User", "alice"))).Text);
        Assert.Equal("1", (await app.PostAsync("/mine", ("X-User", "bob"))).Text);
        Assert.Equal("2", (await app.PostAsync("/mine", ("X-User", "alice"))).Text);
        Assert.Equal("private, no-cache", (await app.GetAsync("/mine", ("X-User", "alice")))["Cache-Control"]);
        Assert.Null((await app.PostAsync("/mine", ("X-User", "alice"))).Cookie);
    }

    [Fact]
    public async Task A_posted_body_in_the_shape_of_the_state_never_becomes_the_state()
    {
        await using var app = await TestApp.StartAsync(a =>
        {
            a.MapPost("/count", (State<Tally> tally) => tally.Update(t => t.Add()).Value);
            a.MapPost("/snapshot/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
        });
        const string forged = """{"Value":{"Value":1000},"value":{"value":1000},"Exists":true,"_value":{"Value":1000}}""";
        Assert.Equal("1", (await app.PostAsync("/count?Value=1000&tally.Value=1000", forged)).Text);
        Assert.Equal("0", (await app.PostAsync("/snapshot/1", forged)).Text);
    }
}
