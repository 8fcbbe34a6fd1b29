namespace Stateside.Redis.Resp;

/// <summary>How much a reply may ask for, checked before anything is allocated for it.</summary>
internal sealed record RespLimits
{
    /// <summary>Most bytes of one string: the largest body that the store keeps, and what goes with it.</summary>
    public int BlobBytes { get; init; } = 33 * 1024 * 1024;

    /// <summary>Most bytes of a line: a header, a simple string or an error.</summary>
    public int LineBytes { get; init; } = 64 * 1024;

    /// <summary>Most items of one aggregate.</summary>
    public int Items { get; init; } = 1024 * 1024;

    /// <summary>Most aggregates inside each other.</summary>
    public int Depth { get; init; } = 32;

    /// <summary>Most bytes of one reply with all that is in it.</summary>
    public long ReplyBytes { get; init; } = 512L * 1024 * 1024;
}

/// <summary>What came is no RESP, or asks for more than <see cref="RespLimits"/> gives. The connection cannot be used any more.</summary>
internal sealed class RespProtocolException(string message) : Exception(message);
