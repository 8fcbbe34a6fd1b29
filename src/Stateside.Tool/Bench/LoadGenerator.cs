using System.Diagnostics;
using System.Globalization;

namespace Stateside.Tool.Bench;

/// <summary>What wrk counted.</summary>
/// <param name="Requests">Requests that were answered.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="P50">Microseconds.</param>
/// <param name="P99">Microseconds.</param>
/// <param name="Errors">Connections that failed or timed out, and answers that were no success.</param>
/// <param name="RequestBytes">The mean size of a request.</param>
/// <param name="ResponseBytes">The mean size of a response.</param>
internal sealed record LoadResult(long Requests, TimeSpan Duration, double P50, double P99, long Errors, double RequestBytes, double ResponseBytes)
{
    /// <summary>Reads the line that <c>bench/carts.lua</c> writes last.</summary>
    /// <exception cref="FormatException">There is no such line.</exception>
    public static LoadResult Parse(string output)
    {
        var numbers = LastLine(output, "result", 7);
        return new(numbers[0], TimeSpan.FromMicroseconds(numbers[1]), numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
    }

    /// <summary>The whole numbers of the last line, which has to begin with a word.</summary>
    /// <exception cref="FormatException">There is no such line.</exception>
    public static long[] LastLine(string output, string word, int count)
    {
        var fields = output.TrimEnd().Split('\n')[^1].Split(' ');
        if (fields[0] != word || fields.Length != count + 1) throw new FormatException($"wrk did not end as expected: {output}");
        return [.. fields.Skip(1).Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
    }
}

/// <summary>What wrk counted of <c>--hot</c>.</summary>
/// <param name="Turns">Requests that were answered with a success.</param>
/// <param name="Conflicts">Requests that were answered with 409.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="P50">Microseconds.</param>
/// <param name="P99">Microseconds.</param>
/// <param name="Errors">Connections that failed or timed out, and other answers.</param>
internal sealed record HotLoadResult(long Turns, long Conflicts, TimeSpan Duration, double P50, double P99, long Errors)
{
    /// <summary>Reads the line that <c>bench/hot.lua</c> writes last.</summary>
    /// <exception cref="FormatException">There is no such line.</exception>
    public static HotLoadResult Parse(string output)
    {
        var numbers = LoadResult.LastLine(output, "hot", 6);
        return new(numbers[0], numbers[1], TimeSpan.FromMicroseconds(numbers[2]), numbers[3], numbers[4], numbers[5]);
    }
}

/// <summary>wrk, the load generator of Debian.</summary>
internal static class LoadGenerator
{
    private const string HowToGet = "wrk, which makes the load, is missing. Install it: apt-get install wrk (Debian, Ubuntu)";

    /// <summary>Makes sure that wrk is there: on a CI machine as root it is installed.</summary>
    /// <returns>What it says its version is.</returns>
    /// <exception cref="UsageException">It is not, with the line that installs it.</exception>
    public static async Task<string> EnsureAsync(CancellationToken cancellationToken)
    {
        if (!IsInstalled)
        {
            await InstallAsync("wrk", cancellationToken);
            if (!IsInstalled) throw new UsageException(HowToGet);
        }
        var (_, version) = await RunAsync("wrk", ["--version"], cancellationToken);
        return version.Split('[')[0].Trim();
    }

    /// <summary>Installs a Debian package on a CI machine as root; anywhere else that is for the user to do.</summary>
    public static async Task InstallAsync(string package, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable("CI") != "true" || !Native.IsRoot || !File.Exists("/usr/bin/apt-get")) return;
        _ = await RunAsync("/usr/bin/apt-get", ["update", "-q"], cancellationToken);
        _ = await RunAsync("/usr/bin/apt-get", ["install", "-y", "-q", "--no-install-recommends", package], cancellationToken);
    }

    /// <summary>Sends requests over kept connections for so long.</summary>
    /// <param name="url">Where to.</param>
    /// <param name="method">GET or POST.</param>
    /// <param name="cookieFile">One cookie a line.</param>
    /// <param name="connections">How many connections, each with one request on its way.</param>
    /// <param name="seconds">For how long.</param>
    /// <param name="cancellationToken">Ends wrk too.</param>
    public static Task<LoadResult> RunAsync(Uri url, string method, string cookieFile, int connections, int seconds, CancellationToken cancellationToken) =>
        RunAsync("carts.lua", url, method, cookieFile, connections, seconds, cancellationToken);

    /// <summary>The load of <c>--forward</c>; parameters as above.</summary>
    public static Task<LoadResult> RunForwardAsync(Uri url, string method, string cookieFile, int connections, int seconds, CancellationToken cancellationToken) =>
        RunAsync("forward.lua", url, method, cookieFile, connections, seconds, cancellationToken);

    private static async Task<LoadResult> RunAsync(string file, Uri url, string method, string cookieFile, int connections, int seconds, CancellationToken cancellationToken)
    {
        var script = Path.Combine(Repository.Root, "bench", file);
        var (_, output) = await RunAsync("wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", "-s", script, url.ToString(), "--", method, cookieFile], cancellationToken);
        return LoadResult.Parse(output);
    }

    /// <summary>Lets all connections change one counter for so long.</summary>
    public static async Task<HotLoadResult> RunHotAsync(Uri url, int connections, int seconds, CancellationToken cancellationToken)
    {
        var script = Path.Combine(Repository.Root, "bench", "hot.lua");
        var (_, output) = await RunAsync("wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", "-s", script, url.ToString()], cancellationToken);
        return HotLoadResult.Parse(output);
    }

    /// <summary>Runs a program to its end and returns what it wrote; if the work is cancelled the program ends too.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Repository.Root, RedirectStandardOutput = true };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = Process.Start(start)!;
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Whether the search path leads to a program.</summary>
    public static bool Has(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));

    private static bool IsInstalled => Has("wrk");
}
