using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.ReRuns;

/// <summary>
/// Every feature of HTTP answers in a third run as in a first: each is called once on a store that commits at once, once on
/// one that answers "conflict" twice, and the two whole responses are compared.
/// </summary>
public class FeatureTests
{
    private const int Conflicts = 2;

    public static TheoryData<string> Names => new(Feature.All.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_feature_answers_after_conflicts_as_in_a_first_run(string name)
    {
        var feature = Feature.All[name];
        var (first, commits) = await CallAsync(feature, 0);
        Assert.Contains(feature.Expect, first.Comparable(), StringComparison.Ordinal);
        var (third, conflicted) = await CallAsync(feature, Conflicts);
        Assert.Equal(first.Comparable(), third.Comparable());
        Assert.Equal(commits == 0 ? 0 : commits + Conflicts, conflicted);
    }

    /// <summary>The response of a server without Stateside is the measure of what a first run must answer.</summary>
    [Theory]
    [InlineData("status")]
    [InlineData("string")]
    [InlineData("created")]
    [InlineData("cookies")]
    [InlineData("OnStarting")]
    [InlineData("Response.Clear()")]
    [InlineData("file from disk")]
    [InlineData("redirect")]
    [InlineData("compression upstream")]
    [InlineData("what HasStarted says")]
    [InlineData("headers after the start")]
    public async Task A_buffered_run_differs_from_a_bare_one_in_its_ETag_and_its_length_only(string name)
    {
        var feature = Feature.All[name];
        var (buffered, _) = await CallAsync(feature, 0);
        var bare = await BareAsync(feature);
        Assert.Equal(Lines(bare), Lines(buffered));
    }

    private static string[] Lines(Reply reply) =>
        [.. reply.Comparable().Split('\n').Where(l => !l.StartsWith("ETag", StringComparison.Ordinal) && !l.StartsWith("Content-Length", StringComparison.Ordinal) && !l.StartsWith("Transfer-Encoding", StringComparison.Ordinal))];

    private static async Task<(Reply Reply, int Commits)> CallAsync(Feature feature, int conflicts)
    {
        await using var app = await TestApp.StartAsync(feature.Map, feature.Setup);
        app.Store.Conflicts = conflicts;
        var reply = await feature.Send(app.Client);
        return (reply, app.Store.Commits);
    }

    /// <summary>The same endpoint with a handle that nothing is loaded into and nothing is committed from.</summary>
    private static async Task<Reply> BareAsync(Feature feature)
    {
        var setup = new AppSetup
        {
            UseStateside = false,
            Before = feature.Setup.Before,
            After = feature.Setup.After,
            Protocols = feature.Setup.Protocols,
            Build = builder =>
            {
                feature.Setup.Build?.Invoke(builder);
                builder.Services.RemoveAll(s => s.ImplementationType?.Name == "EndpointChecks");
                builder.Services.AddKeyedScoped(KeyedService.AnyKey, (_, _) => Testing.NewState());
            },
        };
        await using var app = await TestApp.StartAsync(feature.Map, setup);
        return await feature.Send(app.Client);
    }

    private static class Testing
    {
        public static State<Tally> NewState()
        {
            var definition = new Stateside.States.StateDefinition<Tally>("tally", TestJson.Default.Tally, Tally.Zero, Needs.None, 1);
            return (State<Tally>)definition.OpenState(Stores.Row.Absent(new StateKey(Group.Keyed("1"), "tally")), isNew: false);
        }
    }
}

file static class Removal
{
    public static void RemoveAll(this IServiceCollection services, Func<ServiceDescriptor, bool> which)
    {
        foreach (var service in services.Where(s => !s.IsKeyedService && which(s)).ToArray()) services.Remove(service);
    }
}
