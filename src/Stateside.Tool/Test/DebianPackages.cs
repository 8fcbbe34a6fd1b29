using System.Diagnostics;
using Stateside.Tool.Bench;

namespace Stateside.Tool.Test;

/// <summary>What the tests need beside .NET: SQLite's library, the servers, languages and the browser they start, as Debian packages. What is there already is left alone.</summary>
internal static class DebianPackages
{
    private const string AptGet = "/usr/bin/apt-get";

    /// <summary>Asked by Debian's packages before they start a service: this one says no, because the tests start servers of their own.</summary>
    private const string PolicyFile = "/usr/sbin/policy-rc.d";

    private static readonly (string Package, Func<bool> IsThere)[] s_needed =
    [
        ("libsqlite3-0", () => StoreUrl.HasSqliteLibrary),
        ("redis-server", () => File.Exists("/usr/bin/redis-server")),
        ("postgresql", () => Directory.Exists("/usr/lib/postgresql") && Directory.GetFiles("/usr/lib/postgresql", "initdb", SearchOption.AllDirectories).Length > 0),
        ("iproute2", () => LoadGenerator.Has("ip")),
        ("chromium", () => File.Exists("/usr/bin/chromium")),
        ("nodejs", () => LoadGenerator.Has("node")),
        ("npm", () => LoadGenerator.Has("npm")),
        ("php-cli", () => LoadGenerator.Has("php")),
        ("python3-flask", () => Directory.Exists("/usr/lib/python3/dist-packages/flask")),
        ("faketime", () => Directory.Exists("/usr/lib") && Directory.GetFiles("/usr/lib", "libfaketime.so.1", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2, IgnoreInaccessible = true }).Length > 0),
    ];

    /// <summary>Applications that only the long run audits.</summary>
    private static readonly (string Package, Func<bool> IsThere)[] s_neededByLong =
    [
        ("dokuwiki", () => File.Exists("/usr/share/dokuwiki/doku.php")),
        ("php-xml", () => Directory.Exists("/usr/lib/php") && Directory.GetFiles("/usr/lib/php", "dom.so", SearchOption.AllDirectories).Length > 0),
        ("radicale", () => Directory.Exists("/usr/lib/python3/dist-packages/radicale")),
    ];

    /// <summary>Installs what is missing, where that is possible.</summary>
    /// <exception cref="UsageException">Something is missing and cannot be installed from here; the message says how to.</exception>
    public static async Task EnsureAsync(bool isLong, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var missing = s_needed.Concat(isLong ? s_neededByLong : []).Where(n => !n.IsThere()).Select(n => n.Package).ToArray();
        if (missing.Length == 0) return;
        var howTo = $"The tests need what is not on this machine. Install it: apt-get install --no-install-recommends {string.Join(' ', missing)} (Debian, Ubuntu)";
        if (!OperatingSystem.IsLinux() || !Native.IsRoot || !File.Exists(AptGet)) throw new UsageException(howTo);

        surroundings.Out.WriteLine($"installing {string.Join(", ", missing)}");
        var forbids = !File.Exists(PolicyFile);
        if (forbids)
        {
            await File.WriteAllTextAsync(PolicyFile, "#!/bin/sh\nexit 101\n", cancellationToken);
            File.SetUnixFileMode(PolicyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
        try
        {
            _ = await RunAsync(["update", "-q"], cancellationToken);
            if (await RunAsync(["install", "-y", "-q", "--no-install-recommends", .. missing], cancellationToken) != 0) throw new UsageException(howTo);
        }
        finally
        {
            if (forbids) File.Delete(PolicyFile);
        }
    }

    private static async Task<int> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(AptGet, arguments);
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode;
    }
}
