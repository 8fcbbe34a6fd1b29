using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Sealing;
using Stateside.Stores.Tests.Child;
using Stateside.Stores.Tests.Sqlite;

namespace Stateside.Stores.Tests.Sealing;

/// <summary>The key ring in a real store, used by rings and processes that begin at the same time.</summary>
public sealed class KeyRingProcessTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task SES_12_Twenty_nodes_that_start_together_on_an_empty_file_have_one_key()
    {
        var stores = Enumerable.Range(0, 20).Select(_ => TempDirectory.Store(_directory.File())).ToArray();
        foreach (var store in stores) await store.OpenAsync(default);
        var rings = await Task.WhenAll(stores.Select(store => Task.Run(async () =>
            await KeyRing.OpenAsync(store, Sealers.Model, TimeProvider.System, NullLogger.Instance, default))));
        Assert.Single((await new KeyRingStore(stores[0]).LoadAsync(default)).Keys);
        foreach (var one in rings)
            foreach (var other in rings)
                Assert.Equal(SealOpening.Opened, other.Sealer.TryOpen(Sealers.Purpose, one.Sealer.Seal(Sealers.Purpose, [1]), out _));
        foreach (var ring in rings) await ring.DisposeAsync();
        foreach (var store in stores) await store.DisposeAsync();
    }

    /// <summary>Proof 3. The processes also race for the first key, so one key is what makes their salts matter.</summary>
    [Fact]
    public async Task SEA_08_A_million_seals_of_four_processes_with_one_key_share_no_nonce()
    {
        const int processes = 4, seals = 250_000;
        var children = Enumerable.Range(0, processes)
            .Select(i => ChildProcess.Start("seal", _directory.File(), Records(i), seals.ToString(CultureInfo.InvariantCulture))).ToArray();
        try
        {
            foreach (var child in children) Assert.Equal("ready", await child.ReadLineAsync());
            foreach (var child in children) child.WriteLine("go");
            var last = await Task.WhenAll(children.Select(child => child.ReadLineAsync()));
            foreach (var child in children) await child.Process.WaitForExitAsync();

            var seen = new HashSet<(uint Key, UInt128 Salt, ulong Counter)>(processes * seals);
            for (var i = 0; i < processes; i++) AddRecords(Records(i), seals, seen);
            Assert.Equal(processes * seals, seen.Count);
            Assert.Single(seen.Select(s => s.Key).Distinct());
            Assert.Equal(processes, seen.Select(s => s.Salt).Distinct().Count());
            await AssertOpensAsync(last);
        }
        finally
        {
            foreach (var child in children) child.Dispose();
        }
    }

    private string Records(int process) => _directory.File(string.Create(CultureInfo.InvariantCulture, $"seals-{process}"));

    private static void AddRecords(string file, int count, HashSet<(uint, UInt128, ulong)> seen)
    {
        var bytes = File.ReadAllBytes(file);
        Assert.Equal(count * Sealers.RecordBytes, bytes.Length);
        for (var at = 0; at < bytes.Length; at += Sealers.RecordBytes)
            Assert.True(seen.Add((BitConverter.ToUInt32(bytes, at), BitConverter.ToUInt128(bytes, at + 4), BitConverter.ToUInt64(bytes, at + 20))), "A nonce came twice.");
    }

    private async Task AssertOpensAsync(IEnumerable<string> tokens)
    {
        await using var store = TempDirectory.Store(_directory.File());
        await store.OpenAsync(default);
        await using var ring = await KeyRing.OpenAsync(store, Sealers.Model, TimeProvider.System, NullLogger.Instance, default);
        Assert.All(tokens, token => Assert.Equal(SealOpening.Opened, ring.Sealer.TryOpen(Sealers.Purpose, token, out _)));
    }
}
