// The sample shop on a store that can be counted, slowed down and killed: for tests only.
using Shop;
using Stateside.CrashHost;
using Stateside.Postgres;
using Stateside.Redis;
using Stateside.Samples;
using Stateside.Stores;
using Stateside.Testing;

var builder = WebApplication.CreateSlimBuilder(args);
var host = builder.Configuration.GetSection("Host");
var settings = new HostSettings(
    host["ForgetReceipts"] == "true",
    int.Parse(host["CounterShape"] ?? "1", System.Globalization.CultureInfo.InvariantCulture),
    host["OutsideFile"] ?? "/dev/null");
var url = builder.Configuration["Stateside:Store"] ?? throw new InvalidOperationException("Say which store: --Stateside:Store=URL");
if (url.StartsWith("sqlite:", StringComparison.Ordinal)) SqliteWrites.Watch();

builder.Services.ConfigureHttpJsonOptions(http =>
{
    HttpJson.Use(http.SerializerOptions);
    http.SerializerOptions.TypeInfoResolverChain.Add(HostJson.Default);
});
builder.Services.AddProblemDetails();
builder.Services.AddSingleton(settings);
builder.Services.AddSingleton<CrashPlan>();
builder.Services.AddSingleton(services => new CrashingStore(
    services.GetServices<IStoreProvider>().Last(p => url.StartsWith(p.Scheme + ":", StringComparison.Ordinal)).Create(url, services.GetRequiredService<TimeProvider>()),
    CrashPlan.Die));
builder.Services.AddSingleton(services => new HostStore(services.GetRequiredService<CrashingStore>(), services.GetRequiredService<CrashPlan>(), settings));
builder.Services.AddSingleton<IStore>(services => services.GetRequiredService<HostStore>());
builder.AddStateside()
    .AddStore<RedisStoreProvider>()
    .AddStore<PostgresStoreProvider>()
    .AddState("cart", ShopJson.Default.Cart, empty: Cart.Empty)
    .AddState("order", ShopJson.Default.Order, needs: Needs.Current)
    .AddState("counter", ShopJson.Default.Counter, empty: Counter.Zero, shape: settings.CounterShape)
    .AddFold("room", HostJson.Default.Room, HostJson.Default.Said, new Room(0));

var app = builder.Build();
app.Use(next => context => HalfReply.InvokeAsync(context, next, context.RequestServices.GetRequiredService<CrashPlan>()));
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseStateside();
app.MapShop();
app.MapHost();
StopWithParent.Watch(app.Lifetime);
app.Run();
