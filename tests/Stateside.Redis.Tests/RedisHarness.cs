using System.Globalization;
using System.Net;
using Stateside.Stores;
using Stateside.Testing.Stores;

namespace Stateside.Redis.Tests;

/// <summary>One server, its append-only file synced at each commit, under a clock that moves.</summary>
internal sealed class RedisHarness : StoreHarness
{
    public const HarnessAbilities Can = HarnessAbilities.SecondStore | HarnessAbilities.ClockForward | HarnessAbilities.ClockHours | HarnessAbilities.ClockBack
        | HarnessAbilities.Proxy | HarnessAbilities.Server;

    private TestRedis? _server;

    public override HarnessAbilities Abilities => Can;

    public override EndPoint Address => new IPEndPoint(IPAddress.Loopback, _server!.Port);

    public override IServerControl Server => _server!;

    public override int Sequences => 60;

    public override IStore CreateStore() => new RedisStoreProvider().Create(_server!.Url, TimeProvider.System);

    public override IStore CreateStore(EndPoint through) =>
        new RedisStoreProvider().Create(string.Create(CultureInfo.InvariantCulture, $"redis://{through}"), TimeProvider.System);

    public override async Task ResetAsync()
    {
        if (_server is null) _server = await TestRedis.StartAsync(["--appendonly", "yes", "--appendfsync", "always"], movesClock: true);
        else await _server.CommandAsync("FLUSHALL");
    }

    public override Task AdvanceAsync(TimeSpan by) => _server!.MoveClockAsync(by);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }
}
