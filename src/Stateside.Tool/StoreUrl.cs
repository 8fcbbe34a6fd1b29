using System.Runtime.InteropServices;
using Stateside.Postgres;
using Stateside.Redis;
using Stateside.Sqlite;
using Stateside.Stores;

namespace Stateside.Tool;

/// <summary>What the tool does with a store's URL: check its scheme early, make its path absolute, and show it without its password.</summary>
internal static class StoreUrl
{
    private const string Known = "sqlite:PATH, memory:, redis://HOST:PORT/DB, postgres://USER@HOST:PORT/DB";

    /// <summary>The stores of this version.</summary>
    public static readonly IStoreProvider[] Providers = [new SqliteStoreProvider(), new MemoryStoreProvider(), new RedisStoreProvider(), new PostgresStoreProvider()];

    /// <summary>Checks the URL, and makes the path of <c>sqlite:PATH</c> absolute, because the shop runs in another directory.</summary>
    /// <exception cref="UsageException">It is not the URL of a known store.</exception>
    public static string Resolve(string url, string directory)
    {
        var scheme = Scheme(url);
        try
        {
            // Makes the store without connecting, for the sake of its own check of the URL.
            _ = Provider(url).Create(url, TimeProvider.System);
        }
        catch (FormatException e)
        {
            throw new UsageException($"\"{Shown(url)}\": {e.Message}");
        }

        if (scheme != "sqlite") return url;
        var parts = url["sqlite:".Length..].Split('?', 2);
        return "sqlite:" + Path.GetFullPath(parts[0], directory) + (parts.Length == 2 ? "?" + parts[1] : "");
    }

    /// <summary>What makes the store that a URL names.</summary>
    /// <exception cref="UsageException">Nothing does.</exception>
    public static IStoreProvider Provider(string url) => Array.Find(Providers, p => p.Scheme == Scheme(url))
        ?? throw new UsageException($"\"{Shown(url)}\" is not the URL of a known store. Known: {Known}");

    /// <summary>The part before the first colon, in lower case; empty if there is none.</summary>
    public static string Scheme(string url) => url.IndexOf(':') is > 0 and var colon ? url[..colon].ToLowerInvariant() : "";

    /// <summary>The URL for a person to read: without what stands between the scheme and the host, which may be a password.</summary>
    public static string Shown(string url)
    {
        var at = url.LastIndexOf('@');
        var start = url.IndexOf("://", StringComparison.Ordinal);
        return at < 0 || start < 0 ? url : string.Concat(url.AsSpan(0, start + 3), "…", url.AsSpan(at));
    }

    /// <summary>Refuses a database of SQLite that is not there: opening would make it, and who looks at a store must not make one.</summary>
    public static void RequireDatabase(string url)
    {
        if (Scheme(url) != "sqlite") return;
        if (!HasSqliteLibrary) throw new UsageException(HowToGetSqlite);
        var path = url["sqlite:".Length..].Split('?')[0];
        if (!File.Exists(path)) throw new UsageException($"There is no database {path}. Start the shop (./stateside up), which makes it, or name another with --store sqlite:PATH");
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
