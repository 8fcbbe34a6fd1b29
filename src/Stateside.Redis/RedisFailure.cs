using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>Makes of what Redis answers one line for the operator: what happened, and the fix. It repeats nothing that came with the command.</summary>
internal static class RedisFailure
{
    private const string NotPermitted =
        "The Redis user may not do what the store needs. Let its ACL permit: +@read +@write +@scripting +@connection +time, and the keys and channels of the prefix (~ss:*).";

    public static StoreException Closed() => new("The Redis store is not open.", Applied.No);

    public static StoreException Foreign(Exception? inner = null) => new(
        "A key under the store's prefix holds bytes that this store did not write. Give each application a prefix of its own in the URL: ?prefix=shop:", Applied.No, inner);

    public static StoreException OddAnswer() => new(
        "The server answered a commit with something that the store's script never answers. It is no Redis, or something between changes what it says.", Applied.Unknown);

    public static StoreException Of(RedisException e, Applied applied)
    {
        // The types of all keys are seen before the first write (ADR 0003), so a script that meets a wrong one has written nothing.
        var wrongType = e.IsAnswer && e.Message.StartsWith("WRONGTYPE", StringComparison.Ordinal);
        return new(e.IsAnswer ? Line(e.Message) : e.Message, wrongType ? Applied.No : applied, e);
    }

    public static StoreException TooLarge(string what, int bytes) => new(
        $"{what} has {bytes} bytes, and a Redis store keeps at most {RedisFacts.MaxBodyBytes}. Nothing was written: keep less in one state.", Applied.No);

    /// <summary>Whether an account lacks a right inside a script; Redis has no word of its own for that, and other words since 7.2.</summary>
    public static bool IsNotPermitted(string error) =>
        error.Contains("user executing the script can't", StringComparison.Ordinal) || error.Contains("ACL failure in script", StringComparison.Ordinal);

    /// <summary>What an error that Redis answered means, by its first word.</summary>
    /// <param name="error">The error: a word in capitals and the server's text.</param>
    public static string Line(string error)
    {
        var space = error.IndexOf(' ');
        return (space < 0 ? error : error[..space]) switch
        {
            "OOM" => "Redis has no memory left (maxmemory) and refuses to write. Nothing that was acknowledged is lost: raise maxmemory, or let less be kept, and writing goes on by itself.",
            "READONLY" => "The Redis server is a read-only replica. Name the primary in the URL; after a fail-over, the name that leads to the new one.",
            "NOAUTH" => "Redis asks for a password. Write it into the URL: redis://user:password@host:port",
            "WRONGPASS" => "Redis refuses the user name or the password of the URL. Correct them, or the user's ACL on the server.",
            "NOPERM" => NotPermitted,
            "ERR" when IsNotPermitted(error) => NotPermitted,
            "WRONGTYPE" => "A key under the store's prefix holds a value of another type, so somebody else writes there. Give each application a prefix of its own in the URL: ?prefix=shop:",
            "MISCONF" => "Redis cannot write to its disk and refuses to write at all. See that the disk has space and that the server's log names no error; writing goes on by itself.",
            "LOADING" => "Redis is reading its data from disk after a start. It answers by itself when it is done.",
            "BUSY" => "A script of somebody else has kept Redis busy for too long. End it with SCRIPT KILL.",
            "CLUSTERDOWN" => "The Redis cluster has no primary for some slots. See CLUSTER INFO, and bring the failed primaries or their replicas back.",
            "MASTERDOWN" or "NOREPLICAS" => "The Redis primary has fewer replicas in touch than min-replicas-to-write asks for, so it refuses to write. Bring the replicas back.",
            "TRYAGAIN" or "MOVED" or "ASK" => "The Redis cluster is moving slots about, and the command found no place to run in time. It is safe to try again.",
            "NOSCRIPT" => "Redis forgot a script at once, again and again: something sends SCRIPT FLUSH all the time. Stop it.",
            "EXECABORT" or "ERR" when error.Contains("DB index", StringComparison.Ordinal) => "The Redis server has no database of that number. Name one that it has in the URL (0 to 15, unless its databases setting says otherwise; a cluster has only 0).",
            "ERR" when error.Contains("max number of clients", StringComparison.Ordinal) => "Redis has as many connections as it takes. Raise maxclients, or run fewer clients.",
            _ => "Redis refused a command that the store needs. The server's log, or MONITOR, shows which.",
        };
    }
}
