using System.Net;
using System.Net.Http.Json;
using System.Text;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Mvc;

public sealed class ForgeryTests : IAsyncLifetime
{
    private const string Json =
        """{"quantity":99,"Quantity":99,"value":{"quantity":99},"Value":{"Quantity":99},"exists":true,"cart":{"quantity":99,"value":{"quantity":99},"exists":true}}""";

    private TestApp _app = null!;

    public async Task InitializeAsync() => _app = await TestApp.StartMvcAsync(typeof(ApiStatesController), typeof(PlainStatesController));

    public async Task DisposeAsync() => await _app.DisposeAsync();

    public static TheoryData<string, string> Actions()
    {
        var data = new TheoryData<string, string>();
        foreach (var style in new[] { "api", "plain" })
            foreach (var action in new[] { "both", "asked", "text", "typed", "cart" }) data.Add(style, action);
        return data;
    }

    [Theory, MemberData(nameof(Actions))]
    public async Task A_posted_JSON_body_never_becomes_a_state(string style, string action)
    {
        var answer = await _app.Client.PostAsync($"/{style}/{action}", new StringContent(Json, Encoding.UTF8, "application/json"));
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        Assert.Equal(new Cart(1), await _app.Client.GetFromJsonAsync<Cart>($"/{style}/cart"));
    }

    [Theory, MemberData(nameof(Actions))]
    public async Task A_posted_form_never_becomes_a_state(string style, string action)
    {
        var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["cart"] = "99", ["cart.Value.Quantity"] = "99", ["cart.Quantity"] = "99", ["Value.Quantity"] = "99", ["Exists"] = "true", ["cart.Exists"] = "true",
            ["turn.Run"] = "99", ["counter.Value.Value"] = "99",
        });
        var answer = await _app.Client.PostAsync($"/{style}/{action}?cart.Value.Quantity=99&turn.Now=2000-01-01&cart=99", form);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        Assert.Equal(new Cart(1), await _app.Client.GetFromJsonAsync<Cart>($"/{style}/cart"));
    }

    [Theory, InlineData("api"), InlineData("plain")]
    public async Task A_forged_state_beside_a_real_input_is_not_looked_at(string style)
    {
        var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["quantity"] = "2", ["cart.Value.Quantity"] = "99" });
        Assert.Equal(HttpStatusCode.OK, (await _app.Client.PostAsync($"/{style}/form", form)).StatusCode);
        var body = new StringContent("""{"quantity":3,"cart":{"value":{"quantity":99}}}""", Encoding.UTF8, "application/json");
        Assert.Equal(HttpStatusCode.OK, (await _app.Client.PostAsync($"/{style}/body", body)).StatusCode);
        Assert.Equal(new Cart(5), await _app.Client.GetFromJsonAsync<Cart>($"/{style}/cart"));
    }
}
