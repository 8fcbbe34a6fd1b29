using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Stateside.States;

namespace Stateside.Testing.Tests.Handlers;

public sealed record Line(string ProductId, int Quantity);

public sealed record Cart(ImmutableArray<Line> Lines);

public sealed record Order(ImmutableArray<Line> Lines, DateTimeOffset PlacedAt);

public static class Orders
{
    #region handler
    public static Created<Order> Place(State<Order> order, State<Cart> cart, Turn turn)
    {
        order.Set(new Order(cart.Value.Lines, turn.Now));
        cart.Delete();
        return TypedResults.Created($"/orders/{order.Id}", order.Value);
    }
    #endregion
}

public sealed record Said(string Text);

public sealed record Room(ImmutableArray<string> Texts) : IFold<Room, Said>
{
    public Room Apply(Said e) => new(Texts.Add(e.Text));
}

public sealed class HandlerTests
{
    #region ten-lines
    [Fact]
    public void An_order_takes_the_lines_of_the_cart_and_empties_it()
    {
        var cart = TestState.Of(new Cart([new Line("tea", 2)]));
        var order = TestState.New<Order>();

        var created = Orders.Place(order, cart, TestTurn.Create());

        Assert.Equal($"/orders/{order.Id}", created.Location);
        Assert.Equal(new Line("tea", 2), Assert.Single(order.Value.Lines));
        Assert.False(cart.Exists);
    }
    #endregion

    [Fact]
    public void An_order_of_an_absent_cart_fails_as_over_HTTP()
    {
        var e = Assert.Throws<StatesideException>(() => Orders.Place(TestState.New<Order>(), TestState.Absent<Cart>(), TestTurn.Create()));
        Assert.Equal(("SS1009", "There is no \"cart\" under this key."), (e.Code, e.Detail));
    }

    [Fact]
    public void An_absent_state_has_the_empty_value_until_it_is_set()
    {
        var cart = TestState.Absent(empty: new Cart([]));
        Assert.Equal((false, false), (cart.Exists, cart.IsChanged()));
        cart.Update(c => new Cart(c.Lines.Add(new Line("tea", 1))));
        Assert.Equal((true, true), (cart.Exists, cart.IsChanged()));
        cart.Delete();
        Assert.Equal((false, false), (cart.Exists, cart.IsChanged()));
        Assert.Empty(cart.Value.Lines);
    }

    [Fact]
    public void A_state_knows_the_id_that_it_is_given_and_a_new_one_has_its_own()
    {
        Assert.Equal(("", "7"), (TestState.Of(new Cart([])).Id, TestState.Of(new Cart([]), id: "7").Id));
        Assert.Equal("7", TestState.Absent<Cart>(id: "7").Id);
        var (one, other) = (TestState.New<Order>(), TestState.New<Order>());
        Assert.NotEqual(one.Id, other.Id);
        Assert.True(PublicId.TryParse(one.Id, out _, out _));
    }

    [Fact]
    public void A_snapshot_is_there_or_not()
    {
        Assert.Equal((true, "7", "tea"), TestSnapshot.Of(new Said("tea"), "7") is var s ? (s.Exists, s.Id, s.Value.Text) : default);
        Assert.Equal("none", TestSnapshot.Absent(new Said("none")).Value.Text);
        Assert.Throws<StatesideException>(() => TestSnapshot.Absent<Said>().Value);
    }

    [Fact]
    public void A_folded_state_lists_the_events_that_the_handler_raised()
    {
        var room = TestState.OfFold<Room, Said>(new Room(["hello"]), out var raised);
        room.Raise(new Said("there"));
        Assert.Equal("hello there", string.Join(" ", room.Value.Texts));
        Assert.Equal([new Said("there")], raised);
        Assert.Throws<InvalidOperationException>(() => room.Set(new Room([])));
    }

    [Fact]
    public void A_turn_is_the_same_for_the_same_seed_and_another_for_another()
    {
        static (TurnId, string, string, int) Draw(Turn t) => (t.Id, t.NewId(), t.NewId(), t.Random(1_000_000));
        Assert.Equal(Draw(TestTurn.Create()), Draw(TestTurn.Create(run: 2)));
        Assert.NotEqual(Draw(TestTurn.Create()), Draw(TestTurn.Create(seed: 1)));
        Assert.Equal((TestTurn.DefaultNow, 1), TestTurn.Create() is var turn ? (turn.Now, turn.Run) : default);
        var now = new DateTimeOffset(2031, 2, 3, 4, 5, 6, TimeSpan.Zero);
        Assert.Equal((now, 3), TestTurn.Create(now, run: 3) is var third ? (third.Now, third.Run) : default);
    }

    [Fact]
    public void The_states_of_a_test_are_those_of_the_engine()
    {
        IStateSlot slot = TestState.Of(new Cart([]));
        Assert.Equal(1, slot.Row.Version.Counter);
        Assert.Equal("cart", slot.Row.Key.Name);
    }
}
