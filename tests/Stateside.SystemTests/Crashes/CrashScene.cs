using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Crashes;

/// <summary>The crash host on one engine: told where to die, and started again on the same state and port.</summary>
/// <param name="engine">The engine's short name.</param>
public abstract class CrashScene(string engine) : IAsyncLifetime, IDisposable
{
    private Engine? _engine;
    private readonly TempFolder _folder = new();
    private readonly int _port = Ports.Next();
    private Host? _host;
    private Visitor? _control;

    internal string OutsideFile => _folder.File("outside.txt");

    internal Uri Url => _host!.Url;

    public async Task InitializeAsync()
    {
        _engine = await Engine.StartAsync(engine);
        await File.WriteAllTextAsync(OutsideFile, "");
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (_host is not null) await _host.DisposeAsync();
        if (_engine is not null) await _engine.DisposeAsync();
    }

    public void Dispose()
    {
        _control?.Dispose();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Says where the process dies next.</summary>
    internal async Task ArmAsync(string point, int occurrence = 1, int amount = 1)
    {
        var armed = await _control!.PostAsync($"/host/crash?point={point}&occurrence={occurrence}&amount={amount}");
        Assert.Equal(204, armed.Status);
    }

    /// <summary>Kills it from outside.</summary>
    internal void Kill() => Signals.Send(_host!.Process.Id, Signals.Kill);

    internal bool IsDead => _host!.Process.HasExited;

    /// <summary>Waits for the death by SIGKILL, and starts it again on the same file.</summary>
    internal async Task RestartAsync()
    {
        var code = await _host!.Process.ExitAsync(TimeSpan.FromSeconds(30));
        Assert.True(code == 128 + Signals.Kill, $"The process ended with {code}, not by SIGKILL. It said:\n{_host.Process.Said}");
        await _host.DisposeAsync();
        await StartAsync();
    }

    private async Task StartAsync()
    {
        _host = await Host.StartAsync("Stateside.CrashHost", _port, _engine!.Url, "--Host:OutsideFile=" + OutsideFile, "--Stateside:Idempotency:ClaimLease=00:00:02");
        _control?.Dispose();
        _control = new Visitor(_host.Url);
    }
}

public sealed class SqliteScene() : CrashScene("sqlite");

public sealed class RedisScene() : CrashScene("redis");

public sealed class RedisClusterScene() : CrashScene("redis-cluster");

public sealed class PostgresScene() : CrashScene("postgres");
