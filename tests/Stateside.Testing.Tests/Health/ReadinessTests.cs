using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Stateside.AspNetCore.Health;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Health;

public sealed class ReadinessTests : IAsyncLifetime
{
    private TestApp _app = null!;

    public async Task InitializeAsync() => _app = await TestApp.StartAsync(
        builder => builder.Services.AddHealthChecks().AddStateside(),
        app =>
        {
            app.UseStateside();
            app.MapHealthChecks("/healthz", new() { Predicate = _ => false });
            app.MapHealthChecks("/readyz", new() { Predicate = check => check.Tags.Contains("ready") });
        });

    public async Task DisposeAsync() => await _app.DisposeAsync();

    [Fact]
    public async Task It_is_ready_while_the_store_answers()
    {
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await GetAsync("/readyz"));
        Assert.Equal((1, 0), (_app.Store.Loads, _app.Store.Commits));
    }

    [Fact]
    public async Task A_store_that_fails_makes_it_unready_but_not_dead()
    {
        _app.Store.FailLoads();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), await GetAsync("/readyz"));
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await GetAsync("/readyz"));
        _app.Store.FailLoads();
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await GetAsync("/healthz"));
    }

    [Fact]
    public async Task A_store_that_hangs_makes_it_unready_after_the_bound()
    {
        using var gate = _app.Store.Hold(StoreVerb.Load);
        var checking = GetAsync("/readyz");
        await gate.Reached;
        Assert.False(checking.IsCompleted);
        _app.Clock.Advance(ReadinessCheck.Bound);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), await checking);
    }

    [Fact]
    public async Task The_descriptions_are_fixed_texts_and_bring_no_exception()
    {
        Assert.Equal(("The store answers.", null), await DescribeAsync());
        _app.Store.FailLoads();
        Assert.Equal(("The store fails.", null), await DescribeAsync());
        using var gate = _app.Store.Hold(StoreVerb.Load);
        var hanging = DescribeAsync();
        await gate.Reached;
        _app.Clock.Advance(ReadinessCheck.Bound);
        Assert.Equal(("The store does not answer in time.", null), await hanging);
    }

    [Fact]
    public async Task From_the_first_moment_of_a_shutdown_it_is_unready_while_requests_are_still_served()
    {
        var lifetime = _app.App.Services.GetRequiredService<IHostApplicationLifetime>();
        var atStop = new List<(HttpStatusCode, string)>();
        lifetime.ApplicationStopping.Register(() =>
        {
            atStop.Add(GetAsync("/readyz").GetAwaiter().GetResult());
            atStop.Add(GetAsync("/healthz").GetAwaiter().GetResult());
        });
        await _app.App.StopAsync();
        Assert.Equal([(HttpStatusCode.ServiceUnavailable, "Unhealthy"), (HttpStatusCode.OK, "Healthy")], atStop);
        Assert.Equal(("The host is stopping.", null), await DescribeAsync());
    }

    [Fact]
    public async Task The_shop_serves_both_pages_and_its_metrics()
    {
        TestStore store = null!;
        await using var shop = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
            host.ConfigureTestServices(services => services.AddStatesideTesting(out store, out _)));
        using var client = shop.CreateClient();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/readyz")).StatusCode);
        store.FailLoads();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz")).StatusCode);
        Assert.Contains("stateside_turn_active 0\n", await client.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    private async Task<(HttpStatusCode, string)> GetAsync(string path)
    {
        var response = await _app.Client.GetAsync(path);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<(string?, Exception?)> DescribeAsync()
    {
        var report = await _app.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        var entry = Assert.Single(report.Entries);
        Assert.Equal("stateside", entry.Key);
        return (entry.Value.Description, entry.Value.Exception);
    }
}
