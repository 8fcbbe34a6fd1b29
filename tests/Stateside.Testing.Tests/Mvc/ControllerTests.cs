using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.Extensions.DependencyInjection;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Mvc;

public sealed class ControllerTests : IAsyncLifetime
{
    private TestApp _app = null!;

    public async Task InitializeAsync() => _app = await TestApp.StartMvcAsync(typeof(ApiStatesController), typeof(PlainStatesController));

    public async Task DisposeAsync() => await _app.DisposeAsync();

    [Theory, InlineData("api"), InlineData("plain")]
    public async Task A_session_state_is_written_and_read_back(string style)
    {
        var added = await _app.Client.PostAsync($"/{style}/cart?quantity=2", null);
        Assert.Equal(HttpStatusCode.OK, added.StatusCode);
        Assert.Equal(new Cart(2), await added.Content.ReadFromJsonAsync<Cart>());
        Assert.Equal(new Cart(2), await _app.Client.GetFromJsonAsync<Cart>($"/{style}/cart"));
        Assert.Equal(new Cart(0), await _app.NewClient().GetFromJsonAsync<Cart>($"/{style}/cart"));
    }

    [Theory, InlineData("api"), InlineData("plain")]
    public async Task A_new_state_is_found_under_its_public_id(string style)
    {
        await _app.Client.PostAsync($"/{style}/cart?quantity=3", null);
        var placed = await _app.Client.PostAsync($"/{style}/orders", null);
        Assert.Equal(HttpStatusCode.Created, placed.StatusCode);
        Assert.Equal(new Order(3, _app.Clock.GetUtcNow()), await _app.NewClient().GetFromJsonAsync<Order>(placed.Headers.Location));
        Assert.Equal(HttpStatusCode.NotFound, (await _app.Client.GetAsync($"/{style}/orders/none")).StatusCode);
    }

    [Theory, InlineData("api"), InlineData("plain")]
    public async Task A_user_has_a_state_of_his_own_and_an_anonymous_request_has_none(string style)
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await _app.Client.PostAsync($"/{style}/profile?name=A", null)).StatusCode);
        await SendAs("ann", HttpMethod.Post, $"/{style}/profile?name=Ann");
        Assert.Equal(new Profile("Ann"), await (await SendAs("ann", HttpMethod.Get, $"/{style}/profile")).Content.ReadFromJsonAsync<Profile>());
        Assert.Equal(new Profile(""), await (await SendAs("bob", HttpMethod.Get, $"/{style}/profile")).Content.ReadFromJsonAsync<Profile>());
    }

    [Theory, InlineData("api"), InlineData("plain")]
    public async Task Two_states_of_one_type_are_told_apart_by_their_route_keys(string style)
    {
        await _app.Client.PostAsync($"/{style}/counters/a", null);
        await _app.Client.PostAsync($"/{style}/counters/a", null);
        await _app.Client.PostAsync($"/{style}/counters/b", null);
        var moved = await _app.Client.PostAsync($"/{style}/move/a/b", null);
        Assert.Equal([new Counter(2), new Counter(3)], (await moved.Content.ReadFromJsonAsync<Counter[]>())!);
    }

    [Theory, InlineData("api"), InlineData("plain")]
    public async Task A_controller_has_versions_and_receipts_like_any_endpoint(string style)
    {
        var added = await _app.Client.PostAsync($"/{style}/cart", null);
        Assert.Equal(added.Headers.ETag, (await _app.Client.GetAsync($"/{style}/cart")).Headers.ETag);
        var stale = new HttpRequestMessage(HttpMethod.Post, $"/{style}/cart") { Headers = { { "If-Match", "\"1-AAAAAAAAAAAAAAAAAAAAAA\"" } } };
        Assert.Equal(HttpStatusCode.PreconditionFailed, (await _app.Client.SendAsync(stale)).StatusCode);

        var first = await SendWithKey("1", $"/{style}/cart");
        var second = await SendWithKey("1", $"/{style}/cart");
        Assert.Equal("true", second.Headers.GetValues("Idempotent-Replayed").Single());
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
        Assert.Equal(new Cart(2), await _app.Client.GetFromJsonAsync<Cart>($"/{style}/cart"));
    }

    [Theory, InlineData("api/paid"), InlineData("plain/paid"), InlineData("api/mailed"), InlineData("plain/mailed")]
    public async Task An_action_asks_for_a_key_by_its_attribute(string path)
    {
        await _app.Client.PostAsync("/api/cart", null);
        Assert.Contains("SS1002", await (await _app.Client.PostAsync($"/{path}", null)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await SendWithKey("7", $"/{path}")).StatusCode);
        Assert.Equal(new Cart(2), await _app.Client.GetFromJsonAsync<Cart>("/api/cart"));
    }

    [Theory, InlineData("api"), InlineData("plain")]
    public async Task The_plan_of_an_action_costs_one_load_and_one_commit(string style)
    {
        await _app.Client.PostAsync($"/{style}/cart", null);
        _app.Store.ClearCalls();
        await _app.Client.PostAsync($"/{style}/both", null);
        Assert.Equal((1, 1), (_app.Store.Loads, _app.Store.Commits));
        await _app.Client.GetAsync($"/{style}/cart");
        Assert.Equal((2, 1), (_app.Store.Loads, _app.Store.Commits));
    }

    [Fact]
    public void States_and_the_turn_are_no_inputs_to_the_descriptions_of_the_API()
    {
        var actions = _app.App.Services.GetRequiredService<IApiDescriptionGroupCollectionProvider>().ApiDescriptionGroups.Items.SelectMany(g => g.Items).ToList();
        Assert.Equal(2, actions.Count(a => a.RelativePath!.EndsWith("/orders", StringComparison.Ordinal)));
        var inputs = actions.SelectMany(a => a.ParameterDescriptions).Where(p => p.Source != BindingSource.Path).Select(p => p.Name);
        Assert.Equal(["more", "name", "quantity"], inputs.Distinct().Order());
    }

    [Fact]
    public async Task Faulty_actions_stop_the_start_as_faulty_endpoints_do()
    {
        var e = await Assert.ThrowsAsync<StatesideConfigurationException>(() => TestApp.StartMvcAsync(typeof(WrongController)));
        Assert.Equal(["SS2008", "SS2012", "SS2014"], e.Faults.Select(f => f.Code).Order());
    }

    private Task<HttpResponseMessage> SendAs(string user, HttpMethod method, string path) =>
        _app.Client.SendAsync(new HttpRequestMessage(method, path) { Headers = { { "X-User", user } } });

    private Task<HttpResponseMessage> SendWithKey(string key, string path) =>
        _app.Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Headers = { { "Idempotency-Key", key } } });
}
