using System.Runtime.InteropServices;

namespace Stateside.Tool;

/// <summary>What the tool does with a store's URL: check its scheme early, make its path absolute, and show it without its password.</summary>
internal static class StoreUrl
{
    private static readonly string[] s_later = ["redis", "postgres"];

    /// <summary>Checks the scheme, and makes the path of <c>sqlite:PATH</c> absolute, because the shop runs in another directory.</summary>
    /// <exception cref="UsageException">No known scheme, or no path.</exception>
    public static string Resolve(string url, string directory)
    {
        var scheme = Scheme(url);
        if (scheme == "memory") return url;
        if (s_later.Contains(scheme)) throw new UsageException($"Stores of the kind {scheme}: are not in this version. Known now: sqlite:PATH, memory:");
        if (scheme != "sqlite") throw new UsageException($"\"{Shown(url)}\" is not the URL of a known store. Known: sqlite:PATH, memory:");
        var path = url["sqlite:".Length..];
        if (path.Length == 0 || path.Contains('\0')) throw new UsageException("The store's URL names no file. Write sqlite:PATH, for example sqlite:.stateside/stateside.db");
        return "sqlite:" + Path.GetFullPath(path, directory);
    }

    /// <summary>The part before the first colon, in lower case; empty if there is none.</summary>
    public static string Scheme(string url) => url.IndexOf(':') is > 0 and var colon ? url[..colon].ToLowerInvariant() : "";

    /// <summary>The URL for a person to read: without what stands between the scheme and the host, which may be a password.</summary>
    public static string Shown(string url)
    {
        var at = url.LastIndexOf('@');
        var start = url.IndexOf("://", StringComparison.Ordinal);
        return at < 0 || start < 0 ? url : string.Concat(url.AsSpan(0, start + 3), "…", url.AsSpan(at));
    }

    /// <summary>Whether this machine has SQLite's library.</summary>
    public static bool HasSqliteLibrary
    {
        get
        {
            foreach (var name in (string[])["libsqlite3.so.0", "libsqlite3.so", "libsqlite3.dylib"])
                if (NativeLibrary.TryLoad(name, out var handle))
                {
                    NativeLibrary.Free(handle);
                    return true;
                }

            return false;
        }
    }

    /// <summary>What to do where the library is missing.</summary>
    public const string HowToGetSqlite = "SQLite's library is missing. Install it: apt-get install libsqlite3-0 (Debian, Ubuntu), dnf install sqlite-libs (Fedora), apk add sqlite-libs (Alpine)";
}
