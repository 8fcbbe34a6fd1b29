using System.Text.Json.Nodes;
using Stateside.SystemTests.Support;
using Xunit.Abstractions;

namespace Stateside.SystemTests.Torture;

/// <summary>A short run of <c>./stateside torture</c> with everything that it can do to a cluster.</summary>
public abstract class TortureTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_within = TimeSpan.FromMinutes(4);

    private protected async Task HoldsAsync(string store, params string[] faults)
    {
        await using var torture = TestProcess.Start("Stateside.Tool", ["torture", "--store", store, "--seconds", "20", "--json"]);
        var code = await torture.ExitAsync(s_within);
        if (code < 2 && JsonNode.Parse(torture.Output) is { } said)
            output.WriteLine($"{store}: {said["operations"]} operations, {said["faults"]!.AsObject().Count} kinds of faults, {(double)said["success_share"]!:P1} succeeded, lost {said["lost"]}, duplicated {said["duplicated"]}, non-linearizable {said["non_linearizable"]}");
        output.WriteLine(torture.Said);
        Assert.True(code == 0, $"torture ended with {code}. Is iproute2 installed (apt-get install iproute2)? It said:\n{torture.Said}");

        var report = JsonNode.Parse(torture.Output)!;
        Assert.True((bool)report["holds"]!);
        foreach (var name in (string[])["lost", "duplicated", "refused_but_applied", "non_linearizable", "undecided", "wrong", "died", "not_serving"]) Assert.Equal(0, (long)report[name]!);
        Assert.InRange((double)report["success_share"]!, 0.8, 1);
        Assert.InRange((long)report["operations"]!, 200, long.MaxValue);
        Assert.All((string[])["count", "read_counter", "add_line", "read_cart", "order_cart", "order_lines"], kind => Assert.InRange((long)report["kinds"]![kind]!["acknowledged"]!, 1, long.MaxValue));

        // Every one of them, else a machine on which something is missing would say that all is well.
        var done = report["faults"]!.AsObject().Select(f => f.Key).ToArray();
        Assert.True(faults.Order().SequenceEqual(done), $"Done was {string.Join(", ", done)}. Left out: {report["left_out"]}. To cut networks it takes root and iproute2 (apt-get install iproute2).");
    }
}

public sealed class SqliteTortureTests(ITestOutputHelper output) : TortureTests(output)
{
    [Fact]
    public Task A_tortured_cluster_on_SQLite_keeps_its_promises() => HoldsAsync("sqlite", "kill", "pause", "drain", "partition");
}

public sealed class RedisTortureTests(ITestOutputHelper output) : TortureTests(output)
{
    [Fact]
    public Task A_tortured_cluster_on_Redis_keeps_its_promises() => HoldsAsync("redis", "kill", "pause", "drain", "partition", "store");
}

public sealed class PostgresTortureTests(ITestOutputHelper output) : TortureTests(output)
{
    [Fact]
    public Task A_tortured_cluster_on_PostgreSQL_keeps_its_promises() => HoldsAsync("postgres", "kill", "pause", "drain", "partition", "store");
}
