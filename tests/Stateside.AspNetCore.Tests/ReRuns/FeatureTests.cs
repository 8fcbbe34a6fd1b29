using Stateside.AspNetCore.Tests.Support;
using Stateside.Cluster;
using Stateside.Stores;

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

    /// <summary>A turn whose shard was taken away before its commit begins anew, on whatever node owns it then; that may be this one.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_feature_answers_after_its_shard_was_lost_as_in_a_first_run(string name)
    {
        var feature = Feature.All[name];
        var (first, once) = await CallOnNodeAsync(feature, isLost: false);
        var (second, twice) = await CallOnNodeAsync(feature, isLost: true);
        Assert.Equal(first.Comparable(), second.Comparable());
        Assert.Equal(once * 2, twice);
    }

    [Fact]
    public async Task A_read_that_begins_anew_finds_what_is_there_then()
    {
        var (runs, store) = (0, new TestStore());
        await using var app = await TestApp.StartAsync(app =>
        {
            app.MapPost("/f/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
            app.MapGet("/f/{id}", async ([RouteKey("id")] Snapshot<Tally> tally, IStates states) =>
            {
                if (runs++ > 1) return tally.Value.Value;
                await states.RunAsync<Tally>(StateKey.From("tally", "1"), t => t.Add());
                throw Errors.Elsewhere();
            });
        }, new AppSetup { Store = store, Settings = new() { ["States:tally:Place"] = "Node" } });
        Assert.Equal("1", (await app.SendAsync(HttpMethod.Post, "/f/1")).Text);
        Assert.Equal("3", (await app.SendAsync(HttpMethod.Get, "/f/1")).Text);
        Assert.Equal(3, runs);
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

    private static async Task<(Reply Reply, int Commits)> CallOnNodeAsync(Feature feature, bool isLost)
    {
        var setup = new AppSetup
        {
            Settings = new(feature.Setup.Settings) { ["States:tally:Place"] = "Node", ["States:basket:Place"] = "Node" },
            Before = feature.Setup.Before, After = feature.Setup.After, Build = feature.Setup.Build, Declare = feature.Setup.Declare, Protocols = feature.Setup.Protocols,
            InMemory = feature.Setup.InMemory, Users = feature.Setup.Users,
        };
        await using var app = await TestApp.StartAsync(feature.Map, setup);
        var commits = 0;
        app.Store.BeforeCommit = async commit =>
        {
            if (commit.Fence is not { } fence || commit.Group == Group.Cluster(fence.Shard)) return;
            if (commits++ == 0 && isLost) await PassOnAsync(app.Store.Inner, fence.Shard);
        };
        return (await feature.Send(app.Client), commits);
    }

    /// <summary>Passes a shard on as another node would that held its owner for dead.</summary>
    private static async Task PassOnAsync(IStore inner, int shard)
    {
        var store = new ClusterStore(inner);
        while (true)
        {
            var row = (await store.LoadAsync([], CancellationToken.None)).View;
            var next = ClusterView.Read(row.Body).Passing([shard]);
            if (!(await store.PutViewAsync(next, row.Version)).IsOurs) continue;
            await store.RaiseAsync(shard, next.Epoch(shard));
            return;
        }
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
