using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Configuration.Tests;

public sealed class HostTests
{
    [Fact]
    public async Task A_started_host_runs_turns_on_the_memory_store()
    {
        using var host = Host("""{ "Store": "memory:", "States": { "cart": { "Expires": "00:10:00", "MaxBytes": 1000 } } }""", AddCart);
        await host.StartAsync();

        var states = host.Services.GetRequiredService<IStates>();
        var cart = await states.RunAsync<Cart>(new StateKey(Group.Keyed("a"), "cart"), c => new Cart(c.Quantity + 2));

        Assert.Equal(new Cart(2), cart);
        var definition = host.Services.GetRequiredService<StatesideBuilder>().Definitions.Single();
        Assert.Equal((TimeSpan.FromMinutes(10), 1000), (definition.TimeToLive, definition.MaxBytes));
        await host.StopAsync();
    }

    private static void AddCart(StatesideBuilder builder) => builder.AddState("cart", ShopJson.Default.Cart, empty: Cart.Empty);

    private static IHost Host(string json, Action<StatesideBuilder> states, Action<IServiceCollection>? services = null)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        services?.Invoke(builder.Services);
        states(builder.Services.AddStatesideEngine(Given.Section(json)));
        return builder.Build();
    }
}
