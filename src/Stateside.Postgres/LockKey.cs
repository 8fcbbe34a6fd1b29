namespace Stateside.Postgres;

/// <summary>The number under which PostgreSQL locks a group, a shard or the schema for the length of a transaction.</summary>
internal static class LockKey
{
    /// <summary>FNV-1a. Two texts with one number only wait for each other, so nothing more is asked of it than that all processes agree.</summary>
    public static long Of(string schema, string text)
    {
        var hash = 14_695_981_039_346_656_037UL;
        foreach (var c in schema) hash = (hash ^ c) * 1_099_511_628_211UL;
        hash = (hash ^ ':') * 1_099_511_628_211UL;
        foreach (var c in text) hash = (hash ^ c) * 1_099_511_628_211UL;
        return (long)hash;
    }
}
