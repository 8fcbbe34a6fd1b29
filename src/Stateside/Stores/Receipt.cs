using System.Diagnostics.CodeAnalysis;

namespace Stateside.Stores;

/// <summary>Where a receipt is kept.</summary>
/// <param name="Group">The group that the request writes.</param>
/// <param name="Id">32 bytes: a hash of caller, method, route and key, so that no text from outside becomes part of a store's key.</param>
public readonly record struct ReceiptKey(Group Group, ReceiptId Id);

/// <summary>32 bytes: SHA-256 over caller, method, route and key (ADR 0001).</summary>
/// <param name="High">The first 16 bytes, big-endian.</param>
/// <param name="Low">The last 16 bytes, big-endian.</param>
public readonly record struct ReceiptId(UInt128 High, UInt128 Low)
{
    /// <summary>Bytes of the binary form.</summary>
    public const int Size = 32;

    /// <summary>Reads the 32-byte form.</summary>
    public static ReceiptId Read(ReadOnlySpan<byte> bytes) => new(TurnId.Read(bytes).Value, TurnId.Read(bytes[16..]).Value);

    /// <summary>Writes the 32-byte form.</summary>
    public void Write(Span<byte> bytes)
    {
        new TurnId(High).Write(bytes);
        new TurnId(Low).Write(bytes[16..]);
    }
}

/// <summary>How far the request behind a receipt has come.</summary>
[SuppressMessage("Design", "CA1028", Justification = "The byte is part of the wire format.")]
public enum ReceiptStatus : byte
{
    /// <summary>The handler has begun to call the outside world; while the lease lasts it is taken to be running.</summary>
    Claimed = 1,

    /// <summary>Done; the body holds the response.</summary>
    Recorded = 2,

    /// <summary>The handler broke off after it may have called the outside world. It is never run again under this key.</summary>
    OutcomeUnknown = 3,
}

/// <summary>A receipt as the store holds it.</summary>
/// <param name="Id">Which one.</param>
/// <param name="Status">How far the request has come.</param>
/// <param name="Fingerprint">32 bytes over method, path, query and body of the first request.</param>
/// <param name="Claim">The token of the claim, or none.</param>
/// <param name="LeaseRemaining">What is left of a claim's lease by the store's clock; zero when it has lapsed or there is none.</param>
/// <param name="Body">The response (ADR 0001), or what the claim keeps.</param>
public sealed record ReceiptRow(
    ReceiptId Id, ReceiptStatus Status, ReceiptId Fingerprint, TurnId Claim, TimeSpan LeaseRemaining, ReadOnlyMemory<byte> Body);

/// <summary>A receipt in a commit.</summary>
/// <param name="Id">Which one.</param>
/// <param name="Status">What it becomes.</param>
/// <param name="Fingerprint">32 bytes over method, path, query and body.</param>
/// <param name="Body">The response, or what the claim keeps.</param>
/// <param name="TimeToLive">How long it is kept from now, by the store's clock.</param>
public sealed record ReceiptWrite(ReceiptId Id, ReceiptStatus Status, ReceiptId Fingerprint, ReadOnlyMemory<byte> Body, TimeSpan TimeToLive)
{
    /// <summary>The claim that must be there, not yet recorded, or null: then no receipt may be there (one past its time to live is not there).</summary>
    public TurnId? ExpectedClaim { get; init; }

    /// <summary>The token of the claim, kept when its outcome becomes unknown.</summary>
    public TurnId Claim { get; init; }

    /// <summary>The lease of the new claim from now, by the store's clock (<see cref="ReceiptStatus.Claimed"/>).</summary>
    public TimeSpan Lease { get; init; }
}
