using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests;

public sealed class MutationTests : IAsyncLifetime
{
    private static readonly StateKey Key = new(Group.Keyed("a"), "basket");
    private TestApp _app = null!;

    private IStates States => _app.App.Services.GetRequiredService<IStates>();

    public async Task InitializeAsync() => _app = await TestApp.StartAsync(app =>
    {
        app.UseStateside();
        app.MapPost("/baskets/{id}", ([RouteKey("id")] State<Basket> basket) => { basket.Value.Items.Add("tea"); });
        app.MapGet("/baskets/{id}", ([RouteKey("id")] Snapshot<Basket> basket) =>
        {
            basket.Value.Items.Sort();
            return basket.Value;
        });
    });

    public async Task DisposeAsync() => await _app.DisposeAsync();

    [Fact]
    public async Task A_value_that_a_handler_changed_in_place_fails_the_turn_and_names_the_state()
    {
        #region mutation
        var e = await Assert.ThrowsAsync<StateMutatedException>(() => _app.Client.PostAsync("/baskets/7", null));
        Assert.Equal("basket", e.State);
        #endregion
        Assert.Equal(
            "State \"basket\" was changed in place by run 1 of a handler: what its Value held before the run is different after it. Make a new value instead (state.Update(s => s with { … })), of a record whose collections are immutable.",
            e.Message);
        Assert.Equal(0, _app.Store.Commits);
    }

    [Fact]
    public async Task A_new_value_that_shares_a_changed_collection_with_the_old_one_is_found_too()
    {
        await Assert.ThrowsAsync<StateMutatedException>(() => States.RunAsync<Basket>(Key, basket =>
        {
            basket.Items.Add("tea");
            return basket with { };
        }).AsTask());
        Assert.Equal(0, _app.Store.Commits);
    }

    [Fact]
    public async Task A_snapshot_that_was_changed_in_place_breaks_the_response_off_which_a_read_has_begun_by_then()
    {
        await States.RunAsync<Basket>(Key, _ => new Basket(["tea", "cup"]));
        var e = await Assert.ThrowsAsync<HttpRequestException>(() => _app.Client.GetAsync("/baskets/a"));
        Assert.Equal("basket", Assert.IsType<StateMutatedException>(e.GetBaseException()).State);
    }

    [Fact]
    public async Task A_new_value_is_no_mutation()
    {
        await States.RunAsync<Basket>(Key, b => new Basket([.. b.Items, "tea"]));
        await States.RunAsync<Basket>(Key, b => new Basket([.. b.Items, "cup"]));
        Assert.Equal(["tea", "cup"], (await States.ReadAsync<Basket>(Key)).Value.Items);
    }
}
