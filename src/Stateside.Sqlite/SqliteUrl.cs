namespace Stateside.Sqlite;

/// <summary>What a URL of this store says.</summary>
/// <param name="Path">The absolute path of the file.</param>
/// <param name="IsFull">True: <c>synchronous=FULL</c>.</param>
internal sealed record SqliteUrl(string Path, bool IsFull)
{
    public const string Scheme = "sqlite";

    public const string Example = "sqlite:data/stateside.db";

    /// <exception cref="FormatException">It is not one; the message says what to write instead.</exception>
    public static SqliteUrl Parse(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (!url.StartsWith(Scheme + ":", StringComparison.OrdinalIgnoreCase))
            throw new FormatException($"The URL of an SQLite store begins with \"{Scheme}:\", for example {Example}.");
        var rest = url[(Scheme.Length + 1)..];
        var question = rest.IndexOf('?');
        var path = question < 0 ? rest : rest[..question];
        var isFull = question < 0 || ParseOptions(rest[(question + 1)..]);

        if (path.Length == 0) throw new FormatException($"The URL names no file. Write {Scheme}:PATH, for example {Example}.");
        if (path == ":memory:") throw new FormatException("An SQLite database in memory is lost with its connection. Write \"memory:\" for the store in memory.");
        if (path.StartsWith("//", StringComparison.Ordinal))
            throw new FormatException($"No slashes follow \"{Scheme}:\" but those of the path itself: write {Scheme}:data/stateside.db for a relative path, {Scheme}:/var/lib/shop/stateside.db for an absolute one.");
        if (path.Contains('\0')) throw new FormatException("The path holds a NUL character.");
        if (System.IO.Path.EndsInDirectorySeparator(path)) throw new FormatException($"The path ends in a separator, so it names a directory. Name a file, for example {Example}.");
        return new SqliteUrl(System.IO.Path.GetFullPath(path), isFull);
    }

    private static bool ParseOptions(string options)
    {
        var isFull = true;
        foreach (var option in options.Split('&'))
        {
            var value = option.StartsWith("synchronous=", StringComparison.OrdinalIgnoreCase) ? option["synchronous=".Length..] : "";
            if (value.Equals("NORMAL", StringComparison.OrdinalIgnoreCase)) isFull = false;
            else if (value.Equals("FULL", StringComparison.OrdinalIgnoreCase)) isFull = true;
            else throw new FormatException("What follows \"?\" in the URL of an SQLite store is synchronous=FULL (the default) or synchronous=NORMAL, and nothing else.");
        }
        return isFull;
    }
}
