using Stateside.Check.Scenarios;

namespace Stateside.Check.Conversations;

/// <summary>A request as it was sent.</summary>
/// <param name="Method">The method.</param>
/// <param name="Url">The whole URL at the replica.</param>
/// <param name="Headers">All header fields that the conversation set, cookies and Host among them, in order.</param>
/// <param name="Body">The body; empty where there was none.</param>
public sealed record SentRequest(string Method, Uri Url, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body)
{
    /// <summary>What the expressions of the step's templates gave in this request: for curl commands and masks. Null where the request was not filled from templates.</summary>
    internal FilledRequest? Filled { get; init; }
}

/// <summary>A response as it came, its content coding undone.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Headers">All header fields, in order, trailers excluded.</param>
/// <param name="Body">The content without its coding, at most <see cref="ConversationOptions.MaxBodyBytes"/>.</param>
/// <param name="Truncated">Whether there was more.</param>
public sealed record Answer(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body, bool Truncated)
{
    /// <summary>The first value of a header field, by a name without regard to case, or null.</summary>
    public string? Header(string name) => Headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();
}

/// <summary>Why a request has no answer.</summary>
public enum Trouble
{
    /// <summary>Nobody listens, or the connection broke before the head of the response.</summary>
    NoConnection,

    /// <summary>The connection broke within the response. What came of the body is in the answer, marked as truncated.</summary>
    BrokenOff,

    /// <summary>Nothing came, or not all, within the time limit. What came of the body is in the answer, marked as truncated.</summary>
    TimedOut,

    /// <summary>What came is not HTTP, or is over a limit.</summary>
    BadResponse,

    /// <summary>It could not be sent: a template names what an earlier response did not hold.</summary>
    NotSent,
}

/// <summary>One step's request and what came of it. With redirects: the last of them; the ones before are in <see cref="Hops"/>.</summary>
/// <param name="Step">The step.</param>
/// <param name="Replica">Which replica, from 0.</param>
/// <param name="Request">The request, or null where it was not sent.</param>
/// <param name="Answer">The answer, or null. With a trouble: as much of it as came, if its head did.</param>
/// <param name="Trouble">Why there is none, or no whole one, else null.</param>
/// <param name="Detail">The trouble in one sentence, or why a redirect was not followed or a stream was cut; else null.</param>
/// <param name="Elapsed">From sending to the last byte.</param>
public sealed record Exchange(Step Step, int Replica, SentRequest? Request, Answer? Answer, Trouble? Trouble, string? Detail, TimeSpan Elapsed)
{
    /// <summary>The redirects that were followed to come here, in order.</summary>
    public IReadOnlyList<Exchange> Hops { get; init; } = [];
}
