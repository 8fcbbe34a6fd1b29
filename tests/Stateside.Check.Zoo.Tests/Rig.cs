using System.Diagnostics;
using System.Globalization;
using Stateside.Servers;

namespace Stateside.Check.Zoo.Tests;

/// <summary>What the services need: their programs and packages, one Redis server, a folder for each run that all its replicas see.</summary>
public sealed class Rig : IAsyncLifetime
{
#if DEBUG
    private const string Configuration = "debug";
#else
    private const string Configuration = "release";
#endif

    private readonly DirectoryInfo _shared = Directory.CreateTempSubdirectory("stateside-zoo-");
    private ServerProcess? _redis;
    private int _redisPort;
    private int _folders;

    internal static IReadOnlyList<Service> Services { get; } = [.. NodeServices.All, .. PhpServices.All, .. DotNetServices.All, .. FlaskServices.All];

    private static string Root { get; } = FindRoot();

    private static string Project => InRepository("tests", "Stateside.Check.Zoo.Tests");

    private static string NodeFolder => Path.Combine(Root, "artifacts", "zoo-node");

    internal static string InRepository(params string[] path) => Path.Combine([Root, .. path]);

    /// <summary>Where a scenario is.</summary>
    internal static string Scenario(Service service) => Path.Combine(Project, "scenarios", service.Scenario);

    /// <summary>A new folder that all replicas of one run share.</summary>
    internal string NewShared() => _shared.CreateSubdirectory(Interlocked.Increment(ref _folders).ToString(CultureInfo.InvariantCulture)).FullName;

    /// <summary>Fills in what is the suite's: the programs, <c>redis</c> and <c>shared</c>. What is left is for <c>check</c>: <c>port</c>, <c>i</c> and <c>dir</c>.</summary>
    internal string Fill(string text, string shared) => text
        .Replace("{node}", Path.Combine(NodeFolder, "bundled"), StringComparison.Ordinal)
        .Replace("{apps}", Path.Combine(Project, "services", "apps"), StringComparison.Ordinal)
        .Replace("{php}", Path.Combine(Project, "services", "php"), StringComparison.Ordinal)
        .Replace("{python}", "/usr/bin/python3", StringComparison.Ordinal)
        .Replace("{flask}", Path.Combine(Project, "services", "flask"), StringComparison.Ordinal)
        .Replace("{aspnet}", Built("Zoo.AspNet"), StringComparison.Ordinal)
        .Replace("{shop}", Built("Shop"), StringComparison.Ordinal)
        .Replace("{classic}", Built("Classic"), StringComparison.Ordinal)
        .Replace("{redis}", string.Create(CultureInfo.InvariantCulture, $"redis://127.0.0.1:{_redisPort}"), StringComparison.Ordinal)
        .Replace("{shared}", shared, StringComparison.Ordinal);

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        await NeedAsync("node", ["--version"], "nodejs");
        await NeedAsync("npm", ["--version"], "npm");
        await NeedAsync("php", ["--version"], "php-cli");
        await NeedAsync("/usr/bin/python3", ["-c", "import flask"], "python3-flask");
        await NeedAsync("redis-server", ["--version"], "redis-server");
        PreferShortLives();
        await InstallNodePackagesAsync();
        await BundleNodeServicesAsync();
        _redisPort = ServerProcess.FreePort();
        _redis = await ServerProcess.StartAsync("redis-server", ["--port", _redisPort.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_redis is not null) await _redis.DisposeAsync();
        _shared.Delete(recursive: true);
    }

    /// <summary>The built program of a project, of the configuration these tests are built in.</summary>
    internal static string Built(string name) => Path.Combine(Root, "artifacts", "bin", name, Configuration, name + ".dll");

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Stateside.slnx"))) return folder;
        throw new InvalidOperationException("These tests run inside their repository.");
    }

    private static async Task NeedAsync(string program, string[] arguments, string package)
    {
        try
        {
            if (await RunAsync(program, arguments) == 0) return;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // It is not there.
        }
        throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} does not work: apt-get install {package}");
    }

    /// <summary>
    /// What is started here inherits this. A service in .NET lives for seconds: compiling it a second time, better, never pays, and took two
    /// fifths of its processor time; heaps for each processor do not pay either.
    /// </summary>
    private static void PreferShortLives()
    {
        // Milliseconds, in hexadecimal: a minute.
        Environment.SetEnvironmentVariable("DOTNET_TC_CallCountingDelayMs", "EA60");
        Environment.SetEnvironmentVariable("DOTNET_gcServer", "0");
        Environment.SetEnvironmentVariable("DOTNET_gcConcurrent", "0");
    }

    /// <summary>Exactly the packages of the committed lock file, none of whose scripts runs, beside the services: Node.js looks for them from there.</summary>
    private static async Task InstallNodePackagesAsync()
    {
        var source = Path.Combine(Project, "services", "node");
        Directory.CreateDirectory(NodeFolder);
        // A service that is no more is not bundled either.
        foreach (var file in Directory.GetFiles(NodeFolder, "*.js")) File.Delete(file);
        foreach (var file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(NodeFolder, Path.GetFileName(file)), overwrite: true);
        var wanted = await File.ReadAllTextAsync(Path.Combine(source, "package-lock.json"));
        var installed = Path.Combine(NodeFolder, "installed");
        if (File.Exists(installed) && await File.ReadAllTextAsync(installed) == wanted) return;
        if (await RunAsync("npm", ["ci", "--prefix", NodeFolder, "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]) != 0)
            throw new InvalidOperationException("npm could not install its packages: npm ci in tests/Stateside.Check.Zoo.Tests/services/node shows why");
        await File.WriteAllTextAsync(installed, wanted);
    }

    /// <summary>Makes one file of each service and its packages, as many do before they deploy: it starts in 60 to 70 % of the time, and is started some hundred times.</summary>
    private static async Task BundleNodeServicesAsync()
    {
        if (Directory.Exists(Path.Combine(NodeFolder, "bundled"))) Directory.Delete(Path.Combine(NodeFolder, "bundled"), recursive: true);
        if (await RunAsync("npm", ["run", "bundle", "--prefix", NodeFolder, "--silent"]) != 0)
            throw new InvalidOperationException("the services in Node.js could not be bundled: npm run bundle in artifacts/zoo-node shows why");
    }

    private static async Task<int> RunAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        using var process = Process.Start(start)!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync(), process.WaitForExitAsync()).WaitAsync(TimeSpan.FromMinutes(3));
        return process.ExitCode;
    }
}

/// <summary>The tests share one rig and run one after the other: each of them starts many programs side by side.</summary>
[CollectionDefinition(nameof(Rig))]
public sealed class RigCollection : ICollectionFixture<Rig>;
