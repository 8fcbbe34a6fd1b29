using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Stateside.SystemTests.Support;
using Xunit.Abstractions;

namespace Stateside.SystemTests.Clusters;

/// <summary>Clusters of real processes that are configured wrongly, or whose store fails them: each says so, and loses nothing that it was not made to lose.</summary>
public sealed partial class BadClusterTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("SS4003", "--Stateside:Cluster:Name=node-1")]
    [InlineData("SS4004", "--Stateside:Cluster:Name=node-9", "--Stateside:States:cart:Place=Store")]
    [InlineData("SS4004", "--Stateside:Cluster:Name=node-9", "--Stateside:Cluster:Secret=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")]
    [InlineData("SS4005", "--Stateside:Cluster:Name=node-9", "--Stateside:Cluster:Listen=")]
    public async Task A_node_that_does_not_fit_ends_with_one_line_and_the_others_go_on(string code, params string[] arguments)
    {
        await using var under = await Engine.StartAsync("sqlite");
        await using var fleet = await Fleet.StartAsync(under.Url);
        await using var load = new CounterLoad(fleet.Url, clients: 4);
        load.Start();
        await using var unfit = TestProcess.Start("Shop", ["--urls", "http://127.0.0.1:0", "--Stateside:Store=" + under.Url, "--Logging:LogLevel:Default=Warning", .. Fleet.ShopPlaces, "--Stateside:Cluster:Listen=127.0.0.1:0", .. arguments]);
        Assert.Equal(2, await unfit.ExitAsync(s_soon));
        Assert.Contains(code, unfit.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", unfit.Said, StringComparison.Ordinal);
        await load.StopAsync();
        await load.CheckAsync();
        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task A_gateway_with_another_secret_is_let_in_nowhere_and_both_ends_say_why()
    {
        await using var under = await Engine.StartAsync("sqlite");
        await using var fleet = await Fleet.StartAsync(under.Url);
        await using var stranger = await Host.StartAsync("Shop", Ports.Next(), under.Url,
            [.. Fleet.ShopPlaces, "--Stateside:Cluster:Name=stranger", "--Stateside:Cluster:Role=Gateway", "--Stateside:Cluster:Secret=" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))]);
        using var visitor = new Visitor(stranger.Url);
        var refusal = await visitor.PostAsync("/counters/a");
        Assert.Equal((503, "SS4001", "no"), (refusal.Status, refusal.Code, refusal.Applied));
        Assert.Contains("cannot be reached: the other side knows another secret", stranger.Process.Said, StringComparison.Ordinal);
        Assert.Contains("The node port refused 127.0.0.1", fleet.Said, StringComparison.Ordinal);
        Assert.Contains("the other side knows another secret", fleet.Said, StringComparison.Ordinal);
        using var friend = new Visitor(fleet.Url);
        Assert.Equal(1, (int)(await friend.PostAsync("/counters/a")).Json["value"]!);
    }

    [Theory]
    [InlineData("sqlite"), InlineData("redis"), InlineData("postgres")]
    public async Task A_store_that_takes_no_writes_refuses_them_and_the_cluster_comes_back_with_all_that_it_had(string engine)
    {
        using var folder = new TempFolder();
        await using var under = await Engine.StartAsync(engine);
        var disk = engine == "sqlite" ? folder.Mount("disk", "size=8m") : "";
        await using var fleet = await Fleet.StartAsync(engine == "sqlite" ? $"sqlite:{disk}/shop.db" : under.Url);
        using var visitor = new Visitor(fleet.Url);
        var written = 0;
        for (; written < 20; written++) Assert.Equal(200, (await visitor.PostAsync($"/counters/{written}")).Status);

        await RefuseWritesAsync(under, disk);
        Reply refusal;
        while ((refusal = await visitor.PostAsync($"/counters/{written}")).Status == 200) written++;
        Assert.Equal((503, "no"), (refusal.Status, refusal.Applied));
        Assert.Contains(refusal.Code, new[] { "SS3001", "SS4001" });

        await TakeWritesAsync(under, disk);
        await Eventually.TrueAsync(async () => (await visitor.PostAsync($"/counters/{written}")).Status == 200, s_soon, () => "It does not write again:\n" + fleet.Said);
        written++;
        for (var i = 0; i < written; i++) Assert.Equal(1, (int)(await visitor.GetAsync($"/counters/{i}")).Json["value"]!);
        Assert.Equal(0, (int)(await visitor.GetAsync($"/counters/{written}")).Json["value"]!);
    }

    [Theory]
    [InlineData("sqlite"), InlineData("redis"), InlineData("postgres")]
    public async Task A_store_that_loses_its_rows_loses_nothing_that_comes_after(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url);
        await using var before = new CounterLoad(fleet.Url, clients: 6);
        before.Start();
        await Eventually.TrueAsync(() => before.Acknowledged > 300, s_soon, () => string.Join(", ", before.Failures.Take(5)));
        await LoseRowsAsync(under);
        // Its counters fall back, and what they count from now on is not asked here.
        await using var after = new CounterLoad(fleet.Url, clients: 6, "after");
        after.Start();
        await Eventually.TrueAsync(() => after.Acknowledged > 1000, s_soon, () => $"{after.Acknowledged} additions: {string.Join(", ", after.Failures.Take(5))}\n{fleet.Said}");
        await before.StopAsync();
        await after.StopAsync();
        output.WriteLine($"{engine}: {after.Acknowledged} additions after the loss, {after.Failures.Count} failures ({string.Join(", ", after.Failures.Distinct())}); the longest wait {after.TakeGaps().Max().TotalMilliseconds:N0} ms");
        await after.CheckAsync();
        Assert.Contains("The store has lost rows", fleet.Said, StringComparison.Ordinal);
        Assert.All(fleet.Nodes, node => Assert.False(node.HasExited, node.Said));
    }

    private static Task RefuseWritesAsync(Engine under, string disk)
    {
        if (under.Name == "redis") return under.Redis.CommandAsync("CONFIG", "SET", "min-replicas-to-write", "1");
        if (under.Name == "postgres") return ReadOnlyAsync(under, "on");
        using var file = new FileStream(Path.Combine(disk, "filler"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true) file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            return Task.CompletedTask;
        }
    }

    private static Task TakeWritesAsync(Engine under, string disk)
    {
        if (under.Name == "redis") return under.Redis.CommandAsync("CONFIG", "SET", "min-replicas-to-write", "0");
        if (under.Name == "postgres") return ReadOnlyAsync(under, "off");
        File.Delete(Path.Combine(disk, "filler"));
        return Task.CompletedTask;
    }

    private static async Task ReadOnlyAsync(Engine under, string value)
    {
        await under.Postgres.SqlAsync($"ALTER SYSTEM SET default_transaction_read_only = {value}");
        await under.Postgres.SqlAsync("SELECT pg_reload_conf()");
    }

    private static Task LoseRowsAsync(Engine under)
    {
        if (under.Name == "redis") return under.Redis.CommandAsync("FLUSHALL");
        if (under.Name == "postgres") return under.Postgres.SqlAsync("TRUNCATE stateside.rows, stateside.journal, stateside.receipts, stateside.effects, stateside.epochs");
        Assert.Equal(0, Open(under.Url["sqlite:".Length..], out var database));
        Assert.Equal(0, WaitWhileBusy(database, 10_000));
        Assert.Equal(0, Execute(database, "BEGIN IMMEDIATE; DELETE FROM rows; DELETE FROM journal; DELETE FROM receipts; DELETE FROM effects; DELETE FROM epochs; COMMIT", 0, 0, 0));
        Assert.Equal(0, Close(database));
        return Task.CompletedTask;
    }

    [LibraryImport("libsqlite3.so.0", EntryPoint = "sqlite3_open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, out nint database);

    [LibraryImport("libsqlite3.so.0", EntryPoint = "sqlite3_busy_timeout")]
    private static partial int WaitWhileBusy(nint database, int milliseconds);

    [LibraryImport("libsqlite3.so.0", EntryPoint = "sqlite3_exec", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(nint database, string sql, nint callback, nint state, nint error);

    [LibraryImport("libsqlite3.so.0", EntryPoint = "sqlite3_close")]
    private static partial int Close(nint database);
}
