namespace Stateside.Check.Conversations;

/// <summary>How an experiment sends a step otherwise than the scenario says.</summary>
public sealed record SendChange
{
    /// <summary>Header fields that replace those of the step, by name without regard to case; null leaves the field out.</summary>
    public IReadOnlyDictionary<string, string?> HeadersSet { get; init; } = new Dictionary<string, string?>();

    /// <summary>The body instead of the step's, or null to leave that as it is. Empty: a body of no bytes.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }

    /// <summary>Sends no cookies. What the response sets is still kept.</summary>
    public bool WithoutCookies { get; init; }

    /// <summary>The cookies of this request instead of the jar's (names and values), or null.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Cookies { get; init; }

    /// <summary>Uses a connection that is made for this request alone.</summary>
    public bool OwnConnection { get; init; }

    /// <summary>
    /// Sends an earlier request of the same step once more as it was: its target, header fields and body, nothing filled in anew, so that an
    /// <c>Idempotency-Key: {{$guid}}</c> is the same key. Cookies are the jar's of now. The other changes are applied on top.
    /// </summary>
    public SentRequest? Again { get; init; }

    /// <summary>Leaves the conversation as it is: neither the response's cookies nor its values are kept.</summary>
    public bool KeepNothing { get; init; }
}
