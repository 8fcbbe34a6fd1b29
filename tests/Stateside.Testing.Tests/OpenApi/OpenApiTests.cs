using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Stateside.Testing.Tests.Mvc;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.OpenApi;

public sealed class OpenApiTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_description_of_a_small_application_is_as_kept()
    {
        await using var app = await StartAsync();
        AssertAsKept(await ReadAsync(app.Client), "small.json");
    }

    [Fact]
    public async Task The_description_of_the_shop_is_as_kept()
    {
        await using var shop = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
            host.ConfigureTestServices(services => services.AddStatesideTesting(out _, out _)));
        using var client = shop.CreateClient();
        AssertAsKept(await ReadAsync(client), "shop.json");
    }

    [Fact]
    public async Task States_and_the_turn_are_neither_parameters_nor_bodies()
    {
        await using var app = await StartAsync();
        var document = await ReadAsync(app.Client);
        Assert.Null(Operation(document, "/cart", "post")["requestBody"]);
        Assert.Equal(["Idempotency-Key", "If-Match"], Parameters(document, "/cart", "post"));
        Assert.Equal(["id", "Idempotency-Key", "If-Match"], Parameters(document, "/counters/{id}", "patch"));
        Assert.Equal(["Idempotency-Key", "quantity"], Parameters(document, "/orders", "post").Order());
        Assert.Null(Operation(document, "/orders", "post")["requestBody"]);
        Assert.DoesNotContain(document["components"]!["schemas"]!.AsObject(), s => s.Key.StartsWith("State", StringComparison.Ordinal) && s.Key != "StatesideProblem" || s.Key is "Turn");
    }

    [Theory]
    [InlineData("/cart", "get", "200 304 503")]
    [InlineData("/cart", "post", "200 400 409 412 422 503")]
    [InlineData("/cart", "put", "200 409 412 503")]
    [InlineData("/counters/{id}", "patch", "200 400 409 412 422 503")]
    [InlineData("/orders", "post", "200 400 409 422 503")]
    [InlineData("/orders/{id}", "get", "200 304 400 404 503")]
    [InlineData("/profile", "get", "200 304 401 503")]
    [InlineData("/plain", "get", "200")]
    [InlineData("/api/orders/{id}", "get", "200 304 400 404 503")]
    [InlineData("/api/paid", "post", "200 400 409 412 422 503")]
    public async Task An_operation_lists_the_answers_that_a_turn_may_have(string path, string method, string statuses)
    {
        await using var app = await StartAsync();
        var responses = Operation(await ReadAsync(app.Client), path, method)["responses"]!.AsObject();
        Assert.Equal(statuses, string.Join(' ', responses.Select(r => r.Key).Order()));
        foreach (var (status, response) in responses.Where(r => r.Key[0] is '4' or '5'))
            Assert.Equal(
                "#/components/schemas/StatesideProblem",
                (string?)response!["content"]!["application/problem+json"]!["schema"]!["$ref"]);
    }

    [Theory]
    [InlineData("/cart", "post", false), InlineData("/orders", "post", true), InlineData("/api/cart", "post", false), InlineData("/api/paid", "post", true)]
    public async Task A_key_is_required_where_the_endpoint_requires_it(string path, string method, bool required)
    {
        await using var app = await StartAsync();
        var parameter = Operation(await ReadAsync(app.Client), path, method)["parameters"]!.AsArray().Single(p => (string?)p!["name"] == "Idempotency-Key")!;
        Assert.Equal((required, "header", 255), ((bool?)parameter["required"] ?? false, (string?)parameter["in"], (int)parameter["schema"]!["maxLength"]!));
    }

    [Fact]
    public async Task What_the_application_says_of_a_status_is_left_as_it_is()
    {
        await using var app = await StartAsync();
        var response = Operation(await ReadAsync(app.Client), "/described", "post")["responses"]!["409"]!;
        Assert.Equal("#/components/schemas/ProblemDetails", (string?)response["content"]!["application/problem+json"]!["schema"]!["$ref"]);
    }

    private static Task<TestApp> StartAsync() => TestApp.StartAsync(
        builder =>
        {
            builder.Services.AddOpenApi(options => options.AddStateside());
            builder.Services.AddAuthentication();
            builder.Services.AddControllers().ConfigureApplicationPartManager(parts =>
            {
                parts.ApplicationParts.Clear();
                parts.FeatureProviders.Clear();
                parts.FeatureProviders.Add(new TestApp.Only([typeof(ApiStatesController)]));
            });
        },
        app =>
        {
            app.UseAuthentication();
            app.UseStateside();
            app.MapOpenApi();
            app.MapStatesideMetrics();
            app.MapControllers();
            app.MapGet("/cart", (Snapshot<Cart> cart) => cart.Value);
            app.MapPost("/cart", (State<Cart> cart) => cart.Update(c => new Cart(c.Quantity + 1)));
            app.MapPut("/cart", (State<Cart> cart, Cart value) => cart.Set(value));
            app.MapPatch("/counters/{id}", ([RouteKey("id")] State<Counter> counter, Turn turn) => counter.Update(c => new Counter(c.Value + turn.Run)));
            app.MapPost("/orders", ([NewKey] State<Order> order, State<Cart> cart, Turn turn, int quantity) =>
            {
                cart.Delete();
                return order.Set(new Order(quantity, turn.Now));
            }).RequireIdempotencyKey();
            app.MapGet("/orders/{id}", ([RouteKey("id")] Snapshot<Order> order) => order.Value);
            app.MapGet("/profile", ([UserKey] Snapshot<Profile> profile) => profile.Value);
            app.MapGet("/plain", () => "no state");
            app.MapPost("/described", (State<Cart> cart) => cart.Value).ProducesProblem(409);
        });

    private static async Task<JsonNode> ReadAsync(HttpClient client) => JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json"))!;

    private static JsonNode Operation(JsonNode document, string path, string method) => document["paths"]![path]![method]!;

    private static IEnumerable<string?> Parameters(JsonNode document, string path, string method) =>
        Operation(document, path, method)["parameters"]!.AsArray().Select(p => (string?)p!["name"]);

    /// <summary>With STATESIDE_ACCEPT=1 what is found becomes what is kept: look at the difference before you commit it.</summary>
    private static void AssertAsKept(JsonNode document, string name)
    {
        var path = Path.Combine(Files.Root, "tests", "Stateside.Testing.Tests", "OpenApi", name);
        var found = document.ToJsonString(Indented) + "\n";
        if (Environment.GetEnvironmentVariable("STATESIDE_ACCEPT") == "1") File.WriteAllText(path, found);
        Assert.Equal(File.ReadAllText(path), found);
    }
}
