using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;

namespace Stateside.Testing.Tests;

#region recipe
public sealed class ShopTests : IAsyncDisposable
{
    private readonly WebApplicationFactory<Program> _shop;
    private TestStore _store = null!;
    private ManualClock _clock = null!;

    public ShopTests() => _shop = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        host.ConfigureTestServices(services => services.AddStatesideTesting(out _store, out _clock)));

    [Fact]
    public async Task A_cart_that_loses_to_another_request_still_counts_the_line_once()
    {
        using var client = _shop.CreateClient();
        _store.ForceConflicts();
        await client.PostAsJsonAsync("/cart/add", new { product_id = "tea", quantity = 2 });

        Assert.Contains("\"quantity\":2}", await client.GetStringAsync("/cart"));
        Assert.Equal([StoreOutcome.Conflict, StoreOutcome.Done], _store.Calls.Where(c => c.Verb == StoreVerb.Commit).Select(c => c.Outcome));
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_a_503_and_never_an_empty_cart()
    {
        using var client = _shop.CreateClient();
        await client.PostAsJsonAsync("/cart/add", new { product_id = "tea", quantity = 2 });
        _store.FailLoads();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/cart")).StatusCode);
    }

    [Fact]
    public async Task A_session_ends_when_nobody_came_for_its_idle_time()
    {
        using var client = _shop.CreateClient();
        await client.PostAsJsonAsync("/cart/add", new { product_id = "tea", quantity = 2 });
        _clock.Advance(TimeSpan.FromDays(30));

        Assert.Contains("\"quantity\":0}", await client.GetStringAsync("/cart"));
    }

    public ValueTask DisposeAsync() => _shop.DisposeAsync();
}
#endregion
