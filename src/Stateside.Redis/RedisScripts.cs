using Stateside.Redis.Resp;

namespace Stateside.Redis;

/// <summary>The scripts, as they lie in <c>Scripts/</c>.</summary>
internal static class RedisScripts
{
    public static RedisScript Commit { get; } = Read("commit.lua");

    public static RedisScript Due { get; } = Read("due.lua");

    public static RedisScript Journal { get; } = Read("journal.lua");

    public static RedisScript Open { get; } = Read("open.lua");

    private static RedisScript Read(string name)
    {
        using var reader = new StreamReader(typeof(RedisScripts).Assembly.GetManifestResourceStream(name)!);
        return new RedisScript(reader.ReadToEnd());
    }
}
