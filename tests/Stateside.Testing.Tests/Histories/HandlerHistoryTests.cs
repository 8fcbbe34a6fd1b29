using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Stateside.Testing.Histories;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Histories;

/// <summary>How a user holds an application to a model.</summary>
public sealed class HandlerHistoryTests : IAsyncLifetime
{
    private TestApp _app = null!;

    public async Task InitializeAsync() => _app = await TestApp.StartAsync(app =>
    {
        app.UseStateside();
        app.MapPost("/counters/{id}", ([RouteKey("id")] State<Counter> counter) =>
        {
            counter.Set(new Counter(counter.Value.Value + 1));
            return Results.Text($"{counter.Value.Value}");
        });
        // A handler as nobody should write it: what it adds to is not in a state. Here both requests have read before one writes.
        var (count, both) = (0, new Barrier(2));
        app.MapPost("/careless", () => Task.Run(() =>
        {
            var read = Volatile.Read(ref count);
            both.SignalAndWait();
            Volatile.Write(ref count, read + 1);
            return Results.Text($"{read + 1}");
        }));
    });

    public async Task DisposeAsync() => await _app.DisposeAsync();

    #region linearizable
    [Fact]
    public async Task Concurrent_visitors_count_as_if_they_came_one_after_the_other()
    {
        var recorder = new HistoryRecorder<CounterInput, long>();
        await Task.WhenAll(Enumerable.Range(1, 8).Select(async client =>
        {
            for (var i = 0; i < 25; i++) await AddAsync(recorder, client, $"{i % 2}");
        }));

        var result = Linearizability.Check(recorder.ToHistory(), new CounterModel());
        Assert.True(result.Verdict == LinearizabilityVerdict.Linearizable, $"{result}");
    }

    private async Task AddAsync(HistoryRecorder<CounterInput, long> recorder, int client, string key)
    {
        var call = recorder.Begin(client, new CounterInput(key, 1));
        using var response = await _app.Client.PostAsync($"/counters/{key}", null);
        if (response.IsSuccessStatusCode) recorder.End(call, long.Parse(await response.Content.ReadAsStringAsync()));
        else if (response.StatusCode == HttpStatusCode.Conflict) recorder.Fail(call);   // SS1007: certainly not applied
        else recorder.Unknown(call);
    }
    #endregion

    [Fact]
    public async Task A_handler_that_loses_an_update_is_found_out()
    {
        var recorder = new HistoryRecorder<CounterInput, long>();
        await Task.WhenAll(Enumerable.Range(1, 2).Select(client => recorder.RecordAsync(client, new("", 1), async () =>
        {
            using var response = await _app.Client.PostAsync("/careless", null);
            return long.Parse(await response.Content.ReadAsStringAsync(), CultureInfo.InvariantCulture);
        })));
        var result = Linearizability.Check(recorder.ToHistory(), new CounterModel());
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, result.Verdict);
        Assert.Contains(": add 1 -> 1", $"{result}", StringComparison.Ordinal);
    }
}
