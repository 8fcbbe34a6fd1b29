namespace Stateside.AspNetCore.Forwarding;

/// <summary>What became of a request that was carried to another node.</summary>
internal enum ForwardResult
{
    /// <summary>A response has been relayed, or begun and cut: the caller can do no more.</summary>
    Answered,

    /// <summary>The other node said that it is not the owner; nothing was applied.</summary>
    Misdirected,

    /// <summary>No byte of the request reached a handler.</summary>
    NotSent,

    /// <summary>It was sent, or may have been, and no response head came: whether it was applied is unknown.</summary>
    Lost,
}

/// <summary>The end of one attempt.</summary>
/// <param name="Result">What became of it.</param>
/// <param name="View">The version of the shard map that a misdirecting node has; otherwise 0.</param>
/// <param name="CanRepeat">Whether the request can be sent again from here: nothing of its body was consumed, or it can be rewound.</param>
internal readonly record struct ForwardOutcome(ForwardResult Result, long View, bool CanRepeat);
