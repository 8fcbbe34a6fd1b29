using Stateside.Check.Replicas;

namespace Stateside.Check.Tests.Replicas;

/// <summary>By itself, since the memory of the process is also that of the tests beside it.</summary>
[CollectionDefinition(nameof(LaunchMemoryTests), DisableParallelization = true), Collection(nameof(LaunchMemoryTests))]
public sealed class LaunchMemoryTests
{
    [Fact]
    public async Task A_line_without_an_end_fills_no_memory()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var options = new LaunchOptions { Command = "head -c 100000000 /dev/zero | tr '\\0' x; exec /usr/bin/python3 -u -m http.server {port} --bind 127.0.0.1", ReadyWithin = TimeSpan.FromSeconds(60) };
        await using var set = await new LaunchedSource(options, TimeProvider.System).OpenAsync(CancellationToken.None);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 20_000_000);
    }
}
