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
    /// <summary>
    /// Of what it was asked nothing is kept: what was kept could be read half written by the first requests to a node that has just started, which come at once, and one that
    /// takes the endpoint for one without states on nodes is not passed on to their owner.
    /// </summary>
    [Fact]
    public async Task Whether_a_state_lives_on_nodes_is_known_when_its_place_is_and_to_all_at_once()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Value.Value);
        var endpoint = ((IEndpointRouteBuilder)app).DataSources.Single().Endpoints.Single();
        var definition = new StateDefinition<Tally>("tally", (JsonTypeInfo<Tally>)JsonSerializerOptions.Web.GetTypeInfo(typeof(Tally)), new Tally(0), Needs.None, schema: 1);
        var plan = EndpointPlan.Of(endpoint, new StateRegistry([definition]))!;
        definition.Configure(Place.Store, new StateModel(null, 65_536));
        Assert.False(plan.IsOnNode);
        definition.Configure(Place.Node, new StateModel(null, 65_536));
        Assert.True(plan.IsOnNode);
    }

    private sealed record Tally(int Value);
}
