using System.Diagnostics;
using System.Globalization;

namespace Stateside.Servers;

/// <summary>A PostgreSQL server that a test started on loopback, with its data in a directory of its own. The user <c>postgres</c> is let in without a password.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>The server refuses to run as root, so there it runs as this user.</summary>
    private const string User = "postgres";

    private static readonly SemaphoreSlim s_making = new(1, 1);
    private static string? s_template;

    private readonly string _directory;
    private readonly string[] _settings;
    private readonly string? _clock;
    private ServerProcess _process = null!;

    private PostgresServer(string directory, int port, string[] settings, string? clock) => (_directory, Port, _settings, _clock) = (directory, port, settings, clock);

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>What the server wrote so far.</summary>
    public string Said => _process.Said;

    /// <summary>Where the server keeps its data.</summary>
    public string Data => Path.Combine(_directory, "data");

    /// <summary>Starts a server on new data. Each setting is <c>name=value</c>.</summary>
    public static Task<PostgresServer> StartAsync(params string[] settings) => StartAsync(hasClock: false, settings);

    /// <summary>Starts one whose clock can be moved with <see cref="SetClockAsync"/> (Debian package faketime).</summary>
    public static Task<PostgresServer> StartWithClockAsync(params string[] settings) => StartAsync(hasClock: true, settings);

    /// <summary>The URL of the store on this server.</summary>
    public string Url(string database = "postgres", string options = "") => string.Create(CultureInfo.InvariantCulture, $"postgres://postgres@127.0.0.1:{Port}/{database}{options}");

    /// <summary>SIGKILL to the server and, as they notice, to its children; returns when it can be started again.</summary>
    public async Task KillAsync()
    {
        await _process.KillAsync();
        await _process.DisposeAsync();
    }

    /// <summary>Starts it again on its data, after <see cref="KillAsync"/>.</summary>
    public async Task RestartAsync()
    {
        // The children of a killed server hold its memory until they notice, and meanwhile a new one refuses to start.
        for (var tries = 0; ; tries++)
        {
            await LaunchAsync();
            if (await IsReadyAsync()) return;
            await _process.DisposeAsync();
            if (tries == 10) throw new InvalidOperationException($"PostgreSQL did not start again: {_process.Said}");
        }
    }

    /// <summary>Holds the server and all its children still (SIGSTOP); connections stay, nothing answers.</summary>
    public Task PauseAsync() => SignalAllAsync("STOP");

    /// <summary>Lets it go on.</summary>
    public Task ContinueAsync() => SignalAllAsync("CONT");

    /// <summary>Sets the server's clock to this far from the real one.</summary>
    public async Task SetClockAsync(TimeSpan offset)
    {
        var path = _clock ?? throw new InvalidOperationException("It was started without a clock of its own.");
        await File.WriteAllTextAsync(path + ".new", string.Create(CultureInfo.InvariantCulture, $"{offset.TotalSeconds:+0;-0}s\n"));
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Runs SQL by psql and answers what it printed, without headings.</summary>
    public Task<string> SqlAsync(string sql, string database = "postgres") =>
        RunAsync(Program("psql"), ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", User, "-d", database, "-c", sql]);

    /// <summary>Starts a standby of this server under a name that <c>synchronous_standby_names</c> may list; returns when it streams.</summary>
    public async Task<PostgresServer> StartStandbyAsync(string name, params string[] settings)
    {
        var standby = new PostgresServer(await MakeDirectoryAsync(), ServerProcess.FreePort(), settings, null);
        var port = Port.ToString(CultureInfo.InvariantCulture);
        await RunAsUserAsync(Program("pg_basebackup"), ["-h", "127.0.0.1", "-p", port, "-U", User, "-D", standby.Data, "-R", "-X", "stream", "-c", "fast"]);
        await File.AppendAllTextAsync(Path.Combine(standby.Data, "postgresql.auto.conf"), $"primary_conninfo = 'host=127.0.0.1 port={port} user={User} application_name={name}'\n");
        await standby.RestartAsync();
        for (var i = 0; i < 200; i++)
        {
            if (await SqlAsync($"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'streaming'") == "1") return standby;
            await Task.Delay(50);
        }
        throw new InvalidOperationException($"The standby does not stream: {standby.Said}");
    }

    /// <summary>Makes a standby the primary; returns when it takes writes.</summary>
    public Task PromoteAsync() => RunAsUserAsync(Program("pg_ctl"), ["promote", "-w", "-D", Data]);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // SIGQUIT is PostgreSQL's "immediate" shutdown, which waits for nobody: the data goes with it.
        if (!_process.HasExited)
        {
            await ContinueAsync();
            await _process.EndAsync("QUIT");
        }
        await _process.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static async Task<PostgresServer> StartAsync(bool hasClock, string[] settings)
    {
        var directory = await MakeDirectoryAsync();
        var server = new PostgresServer(directory, ServerProcess.FreePort(), settings, hasClock ? Path.Combine(directory, "clock") : null);
        if (hasClock) await server.SetClockAsync(TimeSpan.Zero);
        await RunAsUserAsync("cp", ["-a", await TemplateAsync(), server.Data]);
        await server.LaunchAsync();
        if (!await server.IsReadyAsync()) throw new InvalidOperationException($"PostgreSQL did not start: {server.Said}");
        return server;
    }

    /// <summary>initdb takes seconds, so it runs once and its result is copied.</summary>
    private static async Task<string> TemplateAsync()
    {
        await s_making.WaitAsync();
        try
        {
            if (s_template is { } made) return made;
            var template = Path.Combine(await MakeDirectoryAsync(), "data");
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Path.GetDirectoryName(template)!, recursive: true);
            await RunAsUserAsync(Program("initdb"), ["-D", template, "-U", User, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
            return s_template = template;
        }
        finally
        {
            s_making.Release();
        }
    }

    private static async Task<string> MakeDirectoryAsync()
    {
        var directory = Directory.CreateTempSubdirectory("stateside-postgres-").FullName;
        if (Environment.UserName == "root") await RunAsync("chown", [$"{User}:{User}", directory]);
        return directory;
    }

    private async Task LaunchAsync()
    {
        List<string> arguments =
        [
            "-D", Data, "-p", Port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
            "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=10s",
        ];
        foreach (var setting in _settings) arguments.AddRange(["-c", setting]);
        if (_clock is null)
        {
            _process = await ServerProcess.StartAsync(Program("postgres"), arguments, User);
            return;
        }
        const string Library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
        if (!File.Exists(Library)) throw new InvalidOperationException("libfaketime is not installed: apt-get install faketime");
        // Waits go by the real clock, or the server would sleep through a jump.
        _process = await ServerProcess.StartAsync("env",
            [$"LD_PRELOAD={Library}", $"FAKETIME_TIMESTAMP_FILE={_clock}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", Program("postgres"), .. arguments], User);
    }

    private async Task<bool> IsReadyAsync()
    {
        for (var i = 0; i < 600 && !_process.HasExited; i++)
        {
            using var asking = Start(Program("pg_isready"), ["-q", "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture)]);
            await asking.WaitForExitAsync();
            if (asking.ExitCode == 0) return true;
            await Task.Delay(50);
        }
        return false;
    }

    private async Task SignalAllAsync(string signal)
    {
        var children = await File.ReadAllTextAsync($"/proc/{_process.Id}/task/{_process.Id}/children");
        await RunAsync("/bin/sh", ["-c", $"kill -{signal} {_process.Id} {children} 2>/dev/null; true"]);
    }

    private static string Program(string name) =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(d => Path.Combine(d, "bin", name)).FirstOrDefault(File.Exists)
              ?? throw NotInstalled()
            : throw NotInstalled();

    private static InvalidOperationException NotInstalled() => new("PostgreSQL is not installed: apt-get install postgresql");

    private static Task<string> RunAsUserAsync(string program, string[] arguments) => Environment.UserName == "root"
        ? RunAsync("setpriv", [$"--reuid={User}", $"--regid={User}", "--init-groups", program, .. arguments])
        : RunAsync(program, arguments);

    private static async Task<string> RunAsync(string program, string[] arguments)
    {
        using var process = Start(program, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return process.ExitCode == 0 ? (await output).TrimEnd('\n') : throw new InvalidOperationException($"{program} failed: {await error}");
    }

    private static Process Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        return Process.Start(start)!;
    }
}
