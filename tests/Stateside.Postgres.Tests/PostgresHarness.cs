using System.Diagnostics;
using System.Globalization;
using System.Net;
using Stateside.Servers;
using Stateside.Stores;
using Stateside.Testing.Stores;

namespace Stateside.Postgres.Tests;

/// <summary>One real server for all cases, whose clock can be moved; a schema of its own for each.</summary>
public sealed class PostgresHarness : StoreHarness, IAsyncLifetime, IServerControl
{
    internal const HarnessAbilities Can = HarnessAbilities.SecondStore | HarnessAbilities.ClockForward | HarnessAbilities.ClockHours | HarnessAbilities.ClockBack
        | HarnessAbilities.Proxy | HarnessAbilities.Server | HarnessAbilities.Process;

    private PostgresServer _server = null!;
    private TimeSpan _offset;
    private int _cases;

    public override HarnessAbilities Abilities => Can;

    public override int Sequences => 40;

    public override EndPoint Address => new IPEndPoint(IPAddress.Loopback, _server.Port);

    public override IServerControl Server => this;

    private string Options => string.Create(CultureInfo.InvariantCulture, $"?schema=case{_cases}&connect_timeout=3&command_timeout=3");

    public async Task InitializeAsync() => _server = await PostgresServer.StartWithClockAsync();

    async Task IAsyncLifetime.DisposeAsync() => await _server.DisposeAsync();

    public override IStore CreateStore() => Create(_server.Url(options: Options));

    public override IStore CreateStore(EndPoint through) =>
        Create(string.Create(CultureInfo.InvariantCulture, $"postgres://postgres@127.0.0.1:{((IPEndPoint)through).Port}/postgres{Options}&sslmode=disable"));

    public override async Task ResetAsync()
    {
        _cases++;
        await AdvanceAsync(-_offset);
    }

    public override Task AdvanceAsync(TimeSpan by)
    {
        _offset += by;
        return _server.SetClockAsync(_offset);
    }

    public override Process StartProcess()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", [typeof(PostgresHarness).Assembly.Location, "conformance", _server.Url(options: Options)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    Task IServerControl.KillAsync() => _server.KillAsync();

    Task IServerControl.RestartAsync() => _server.RestartAsync();

    Task IServerControl.PauseAsync() => _server.PauseAsync();

    Task IServerControl.ContinueAsync() => _server.ContinueAsync();

    private static IStore Create(string url) => new PostgresStoreProvider().Create(url, TimeProvider.System);
}

public sealed class PostgresStoreTests(PostgresHarness harness) : IClassFixture<PostgresHarness>
{
    public static TheoryData<string> Names { get; } = [.. StoreConformance.CasesFor(PostgresHarness.Can).Select(c => c.Name)];

    [Theory, MemberData(nameof(Names))]
    public Task Holds(string name) => StoreConformance.RunAsync(name, harness);
}
