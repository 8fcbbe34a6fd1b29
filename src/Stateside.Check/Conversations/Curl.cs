namespace Stateside.Check.Conversations;

/// <summary>Exchanges as a shell script that shows a failure by itself.</summary>
public static class Curl
{
    /// <summary>
    /// A script for bash that can be pasted: replicas are <c>BASE_0</c>, <c>BASE_1</c>…; cookies are kept in a jar of a temporary folder; values of responses are taken
    /// out with grep and sed; secrets that the scenario writes are taken from environment variables, which the script names. It prints each status and the last response.
    /// </summary>
    /// <param name="exchanges">In the order in which they were sent. They may be of several sessions: cookies that are not the jar's are then sent by hand.</param>
    /// <param name="before">Lines that are put before an exchange, by its index from 0 (the count: after the last): a comment, or a command such as a restart.</param>
    /// <param name="atOnce">The indexes of exchanges that are sent at the same time as the one before them.</param>
    /// <param name="replicas">Where the replicas are that the script speaks to, by number, if they are not those that were spoken to.</param>
    /// <param name="expected">What should have come, in a line that the script says last; masked already.</param>
    public static string Of(IReadOnlyList<Exchange> exchanges, IReadOnlyDictionary<int, string>? before = null, IReadOnlySet<int>? atOnce = null, IReadOnlyList<Uri>? replicas = null, string? expected = null) =>
        new CurlScript(exchanges, before ?? new Dictionary<int, string>(), atOnce ?? new HashSet<int>(), replicas).Write(expected);
}
