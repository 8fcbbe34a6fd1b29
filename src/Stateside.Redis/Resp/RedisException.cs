using Stateside.Stores;

namespace Stateside.Redis.Resp;

/// <summary>A command failed. Of one that the server refused the message is the server's own: a word in capitals, then text.</summary>
/// <param name="message">What happened.</param>
/// <param name="applied"><see cref="Applied.No"/> only if nothing of it reached the server, or the server refused it before it began.</param>
/// <param name="inner">The cause.</param>
internal sealed class RedisException(string message, Applied applied, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Errors with which a server refuses a command before it runs.</summary>
    private static readonly string[] s_refusals =
    [
        "NOSCRIPT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT", "LOADING", "BUSY", "MASTERDOWN", "READONLY", "OOM", "MISCONF", "NOREPLICAS",
        "NOAUTH", "WRONGPASS", "NOPERM", "NOPROTO", "EXECABORT",
    ];

    public Applied Applied { get; } = applied;

    /// <summary>Whether the server answered it; else the command or its answer was lost on the way, and the message is a sentence for the operator.</summary>
    public bool IsAnswer { get; init; }

    /// <summary>The error that a server answered.</summary>
    public static RedisException Of(RespValue error)
    {
        var text = error.Text;
        var end = text.IndexOf(' ', StringComparison.Ordinal);
        var code = end < 0 ? text : text[..end];
        // What an account may not do is also found out in the middle of a script, after what it may.
        var isRefused = s_refusals.Contains(code) && !(code == "NOPERM" && text.Contains("script", StringComparison.Ordinal));
        return new RedisException(text, isRefused ? Applied.No : Applied.Unknown) { IsAnswer = true };
    }
}
