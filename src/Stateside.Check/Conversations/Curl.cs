namespace Stateside.Check.Conversations;

/// <summary>Exchanges as a shell script that can be pasted.</summary>
public static class Curl
{
    /// <summary>The script.</summary>
    /// <param name="exchanges">In the order in which they were sent.</param>
    /// <param name="before">Lines that are put before an exchange, by its index from 0: a comment, or a command such as a restart.</param>
    public static string Of(IReadOnlyList<Exchange> exchanges, IReadOnlyDictionary<int, string>? before = null) => CurlScript.Write(exchanges, before);
}
