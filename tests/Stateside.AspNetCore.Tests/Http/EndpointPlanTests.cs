using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Stateside.AspNetCore.Endpoints;
using Stateside.Configuration;
using Stateside.Places;
using Stateside.States;

namespace Stateside.AspNetCore.Tests.Http;

public sealed class EndpointPlanTests
{
    /// <summary>The first requests to a node that has just started come at once: one that takes the endpoint for one without states on nodes is not passed on to their owner.</summary>
    [Fact]
    public async Task Requests_that_are_the_first_and_come_at_once_all_see_that_a_state_lives_on_nodes()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Value.Value);
        var endpoint = ((IEndpointRouteBuilder)app).DataSources.Single().Endpoints.Single();
        var definition = new StateDefinition<Tally>("tally", (JsonTypeInfo<Tally>)JsonSerializerOptions.Web.GetTypeInfo(typeof(Tally)), new Tally(0), Needs.None, schema: 1);
        definition.Configure(Place.Node, new StateModel(null, 65_536));
        var registry = new StateRegistry([definition]);

        const int Rounds = 50_000;
        var plans = new EndpointPlan[Rounds];
        for (var i = 0; i < Rounds; i++) plans[i] = EndpointPlan.Of(endpoint, registry)!;
        var at = new int[2];
        var seen = await Task.WhenAll(Enumerable.Range(0, 2).Select(me => Task.Factory.StartNew(() => Ask(me), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal([Rounds, Rounds], seen);

        // Both ask a plan that nobody has asked before, in the same moment.
        int Ask(int me)
        {
            var count = 0;
            for (var i = 0; i < Rounds; i++)
            {
                Volatile.Write(ref at[me], i + 1);
                SpinWait.SpinUntil(() => Volatile.Read(ref at[1 - me]) > i);
                if (plans[i].IsOnNode) count++;
            }
            return count;
        }
    }

    private sealed record Tally(int Value);
}
