using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Configuration.Tests;

public sealed class BuilderTests
{
    private static readonly StateKey Key = new(Group.Keyed("a"), "order");

    [Fact]
    public void A_declared_state_has_what_it_was_declared_with()
    {
        var builder = Given.Shop();
        var (cart, order) = (builder.Definitions[0], builder.Definitions[1]);

        Assert.Equal(("cart", typeof(Cart), Needs.None, 1, false), (cart.Name, cart.Type, cart.Needs, cart.Schema, cart.IsFolded));
        Assert.Equal(Cart.Empty, ((StateDefinition<Cart>)cart).Empty);
        Assert.Equal(("order", Needs.Durable | Needs.Current), (order.Name, order.Needs));
        Assert.Null(((StateDefinition<Order>)order).Empty);
    }

    [Fact]
    public void A_row_of_an_older_shape_is_upgraded()
    {
        var builder = Given.Builder().AddState("order", ShopJson.Default.Order, shape: 3, upgrades: shape => shape
            .Upgrade(2, ShopJson.Default.OldOrder, old => new Order(old.Item))
            .Upgrade(1, ShopJson.Default.Cart, old => new Order("cart of " + old.Quantity)));
        var definition = (StateDefinition<Order>)builder.Definitions.Single();

        Assert.Equal(new Order("pen"), definition.Decode(RowOf(3, """{"Product":"pen"}""")));
        Assert.Equal(new Order("ink"), definition.Decode(RowOf(2, """{"Item":"ink"}""")));
        Assert.Equal(new Order("cart of 4"), definition.Decode(RowOf(1, """{"Quantity":4}""")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void An_upgrade_leads_from_an_older_shape(int from) => Assert.Throws<ArgumentOutOfRangeException>(() =>
        Given.Builder().AddState("order", ShopJson.Default.Order, shape: 2, upgrades: s => s.Upgrade(from, ShopJson.Default.OldOrder, o => new Order(o.Item))));

    [Fact]
    public void Two_upgrades_from_one_shape_are_refused() => Assert.Throws<ArgumentException>(() =>
        Given.Builder().AddState("order", ShopJson.Default.Order, shape: 2, upgrades: s => s
            .Upgrade(1, ShopJson.Default.OldOrder, o => new Order(o.Item))
            .Upgrade(1, ShopJson.Default.OldOrder, o => new Order(o.Item))));

    [Fact]
    public void A_shape_is_1_or_more()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Given.Builder().AddState("order", ShopJson.Default.Order, shape: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Given.Builder().AddFold("room", ShopJson.Default.Room, ShopJson.Default.Said, new Room(0), shape: 0));
    }

    [Fact]
    public void A_folded_state_writes_its_events()
    {
        var builder = Given.Builder().AddFold("room", ShopJson.Default.Room, ShopJson.Default.Said, new Room(0), Needs.Durable);
        var definition = (StateDefinition<Room>)builder.Definitions.Single();

        Assert.Equal((true, Needs.Durable, new Room(0)), (definition.IsFolded, definition.Needs, definition.Empty!));
        Assert.Equal("""{"Text":"hi"}""", Encoding.UTF8.GetString(definition.EncodeEvent(new Said("hi")).Span));
    }

    [Fact]
    public void The_registrar_hears_of_each_state_once()
    {
        var registrar = new Recorder();
        var builder = Given.Builder();
        builder.Registrar = registrar;
        builder.AddState("cart", ShopJson.Default.Cart).AddFold("room", ShopJson.Default.Room, ShopJson.Default.Said, new Room(0));

        Assert.Equal([(typeof(Cart), builder.Services), (typeof(Room), builder.Services)], registrar.Registered);
    }

    [Fact]
    public void Added_twice_it_is_there_once()
    {
        var services = new ServiceCollection();
        var first = services.AddStatesideEngine(Given.Section("{}"));
        var count = services.Count;

        Assert.Same(first, services.AddStatesideEngine(Given.Section("{}")));
        Assert.Equal(count, services.Count);
    }

    [Fact]
    public void A_clock_that_is_already_there_is_kept()
    {
        var time = new ManualClock();
        var services = new ServiceCollection().AddSingleton<TimeProvider>(time);
        services.AddStatesideEngine(Given.Section("{}"));

        using var provider = services.BuildServiceProvider();
        Assert.Same(time, provider.GetRequiredService<TimeProvider>());
    }

    private static Row RowOf(int shape, string json) =>
        new(Key, StateVersion.None.Next(TurnId.New()), shape, 0, Encoding.UTF8.GetBytes(json), null);

    private sealed class Recorder : IStateRegistrar
    {
        public List<(Type, IServiceCollection)> Registered { get; } = [];

        public void Register<T>(IServiceCollection services) where T : class => Registered.Add((typeof(T), services));
    }
}
