using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Stateside.Servers;
using Stateside.Testing.Stores;

namespace Stateside.Redis.Tests;

/// <summary>A Redis server of one test, with its own directory, and a clock that the test can move.</summary>
internal sealed class TestRedis : IServerControl, IAsyncDisposable
{
    private const string Program = "/usr/bin/redis-server";
    private static readonly string[] s_fakeTime = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1"];

    private readonly string _directory = Directory.CreateTempSubdirectory("stateside-redis-").FullName;
    private readonly string[] _settings;
    private readonly bool _movesClock;
    private ServerProcess? _process;
    private TimeSpan _ahead;

    private TestRedis(string[] settings, bool movesClock) => (_settings, _movesClock) = (settings, movesClock);

    public int Port { get; } = ServerProcess.FreePort();

    public string Url => string.Create(CultureInfo.InvariantCulture, $"redis://127.0.0.1:{Port}");

    private string ClockFile => Path.Combine(_directory, "clock");

    /// <summary>Starts a server that writes nothing to disk, unless its settings say otherwise: pairs as on its command line.</summary>
    public static async Task<TestRedis> StartAsync(string[]? settings = null, bool movesClock = false)
    {
        if (!File.Exists(Program)) throw new InvalidOperationException($"{Program} is not there. Install it: apt-get install redis-server");
        var server = new TestRedis(settings ?? [], movesClock);
        await server.RestartAsync();
        return server;
    }

    public async Task RestartAsync()
    {
        string[] redis = [Program, "--bind", "127.0.0.1", "--port", Port.ToString(CultureInfo.InvariantCulture), "--dir", _directory, "--save", "", "--enable-debug-command", "yes", .. _settings];
        if (_movesClock)
        {
            var library = s_fakeTime.FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("The library that moves a server's clock is not there. Install it: apt-get install libfaketime");
            await MoveClockAsync(TimeSpan.Zero);
            // Debian's redis-server takes its memory from jemalloc, which asks for the time before that library is ready to tell it: the C library's own does not.
            var memory = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(library))!, "libc.so.6");
            redis = [$"LD_PRELOAD={library}:{memory}", $"FAKETIME_TIMESTAMP_FILE={ClockFile}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", .. redis];
        }
        _process = await ServerProcess.StartAsync("/usr/bin/env", redis);
        for (var tries = 0; !await AnswersAsync(); tries++)
        {
            if (tries > 400 || _process.HasExited) throw new InvalidOperationException("redis-server did not start: " + _process.Said);
            await Task.Delay(25);
        }
    }

    /// <summary>Moves the server's clock; it reads the file whenever it asks for the time.</summary>
    public async Task MoveClockAsync(TimeSpan by)
    {
        _ahead += by;
        var next = ClockFile + ".next";
        await File.WriteAllTextAsync(next, string.Create(CultureInfo.InvariantCulture, $"{(_ahead < TimeSpan.Zero ? "" : "+")}{_ahead.TotalSeconds:0.000}\n"));
        File.Move(next, ClockFile, overwrite: true);
    }

    public Task KillAsync() => _process!.KillAsync();

    public Task PauseAsync() => _process!.SignalAsync("STOP");

    public Task ContinueAsync() => _process!.SignalAsync("CONT");

    /// <summary>One command over a connection of its own; the answer as the server wrote it.</summary>
    public async Task<string> CommandAsync(params string[] command)
    {
        using var client = new TcpClient { NoDelay = true, ReceiveTimeout = 10_000 };
        await client.ConnectAsync(IPAddress.Loopback, Port);
        var text = new StringBuilder($"*{command.Length}\r\n");
        foreach (var argument in command) text.Append(CultureInfo.InvariantCulture, $"${Encoding.Latin1.GetByteCount(argument)}\r\n{argument}\r\n");
        // The second answer says where the first ends.
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text + "*2\r\n$4\r\nECHO\r\n$11\r\nend-of-that\r\n"));
        var answer = new StringBuilder();
        var buffer = new byte[65_536];
        while (!answer.ToString().EndsWith("$11\r\nend-of-that\r\n", StringComparison.Ordinal))
        {
            var read = await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            if (read == 0) return answer.ToString();
            answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        return answer.ToString()[..^"$11\r\nend-of-that\r\n".Length];
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            var answer = await CommandAsync("PING");
            return answer.StartsWith("+PONG", StringComparison.Ordinal) || answer.StartsWith("-NOAUTH", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
