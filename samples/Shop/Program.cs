using Shop;
using Stateside.Postgres;
using Stateside.Redis;
using Stateside.Samples;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Services.ConfigureHttpJsonOptions(http => HttpJson.Use(http.SerializerOptions));
// It would tell a failed start with a stack trace; the end of this file tells it in one line.
builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
builder.Services.AddProblemDetails();
builder.Services.AddOpenApi(openApi => openApi.AddStateside().AddSchemaTransformer(MoneyJson.DescribeAsync));
builder.Services.AddHealthChecks().AddStateside();
builder.AddStateside()
    .AddStore<RedisStoreProvider>()
    .AddStore<PostgresStoreProvider>()
    .AddState("cart", ShopJson.Default.Cart, empty: Cart.Empty)
    .AddState("order", ShopJson.Default.Order, needs: Needs.Current)
    .AddState("counter", ShopJson.Default.Counter, empty: Counter.Zero);

var app = builder.Build();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseStateside();
app.MapShop();
app.MapPage(builder.Configuration.GetSection("Stateside"));
app.MapOpenApi();
app.MapStatesideMetrics("/metrics");
app.MapHealthChecks("/healthz", new() { Predicate = _ => false });
app.MapHealthChecks("/readyz", new() { Predicate = check => check.Tags.Contains("ready") });
StopWithParent.Watch(app.Lifetime);
try
{
    app.Run();
    return 0;
}
catch (Exception e) when (e is StatesideConfigurationException or StatesideException)
{
    // What is wrong with the configuration or the store, and the fix; a stack trace would only hide it.
    Console.Error.WriteLine(e.Message);
    return 2;
}
