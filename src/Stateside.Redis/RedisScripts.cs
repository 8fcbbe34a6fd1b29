using Stateside.Redis.Resp;

namespace Stateside.Redis;

/// <summary>The scripts, as they lie in <c>Scripts/</c>.</summary>
internal static class RedisScripts
{
    public static RedisScript Commit { get; } = Read("commit.lua");

    /// <summary>The same for connections that are told of changes: they go on watching what they have written.</summary>
    public static RedisScript CommitAndWatch { get; } = Read("commit.lua", "local TRACKS = false", "local TRACKS = true");

    public static RedisScript Due { get; } = Read("due.lua");

    public static RedisScript Journal { get; } = Read("journal.lua");

    public static RedisScript Open { get; } = Read("open.lua");

    private static RedisScript Read(string name, string line = "\n", string by = "\n")
    {
        using var reader = new StreamReader(typeof(RedisScripts).Assembly.GetManifestResourceStream(name)!);
        return new RedisScript(reader.ReadToEnd().Replace(line, by, StringComparison.Ordinal));
    }
}
