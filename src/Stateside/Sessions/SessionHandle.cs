using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Stateside.Configuration;
using Stateside.Stores;

namespace Stateside.Sessions;

/// <summary>
/// The browser session of one request: the credential that the cookie brought, or a fresh one that becomes real when a
/// turn first writes under it. The internal id names the group and never changes; the secret proves the holder and can.
/// </summary>
/// <remarks>
/// Wire formats (ADR 0001). Credential: base64url of 33 bytes: 1, internal id (16), secret (16). Row: <c>$session</c> in the
/// session's group, shape 1, 48 bytes: SHA-256 of the secret (32), when it began and when it ends at the latest (each 8 bytes
/// big-endian, milliseconds since 1970).
/// </remarks>
internal sealed class SessionHandle
{
    public const string RowName = "$session";
    public const int Schema = 1;
    public const int CredentialLength = 44;
    private const int CredentialBytes = 33;
    private const int RowBytes = 48;
    private readonly UInt128 _id;
    private readonly UInt128 _secret;

    private SessionHandle(UInt128 id, UInt128 secret, bool isFresh)
    {
        (_id, _secret, IsFresh) = (id, secret, isFresh);
        Group = Group.Session(id);
    }

    public Group Group { get; }

    /// <summary>The internal id.</summary>
    public UInt128 Id => _id;

    /// <summary>True if nobody knows it yet: it becomes real when a turn first writes under it.</summary>
    public bool IsFresh { get; }

    /// <summary>Whether its credential proves itself (<see cref="SessionIssuer"/>). Such a session has no row.</summary>
    public bool IsSealed { get; private init; }

    /// <summary>Whether a row in the store must prove it.</summary>
    public bool HasRow => !IsFresh && !IsSealed;

    /// <summary>When a sealed session ends, however busy it is.</summary>
    public DateTimeOffset End { get; private init; }

    /// <summary>Whether a sealed credential has come near enough to the end of its idle time to be given anew.</summary>
    public bool IsDue { get; private init; }

    public StateKey Key => new(Group, RowName);

    /// <summary>A session that nobody has yet.</summary>
    public static SessionHandle Fresh() => new(TurnId.New().Value, TurnId.New().Value, isFresh: true);

    /// <summary>The same for a session whose credential will be sealed.</summary>
    public static SessionHandle FreshSealed(DateTimeOffset end) => new(TurnId.New().Value, default, isFresh: true) { IsSealed = true, End = end };

    /// <summary>The session of a seal that has been opened.</summary>
    public static SessionHandle Sealed(UInt128 id, DateTimeOffset end, bool isDue) => new(id, default, isFresh: false) { IsSealed = true, End = end, IsDue = isDue };

    /// <summary>Reads a credential; null for anything that was not issued in this form. Whether it is valid, its row says.</summary>
    public static SessionHandle? Parse(ReadOnlySpan<char> credential)
    {
        Span<byte> bytes = stackalloc byte[CredentialBytes];
        if (!Base64Text.TryDecode(credential, bytes) || bytes[0] != 1) return null;
        return new(TurnId.Read(bytes[1..]).Value, TurnId.Read(bytes[17..]).Value, isFresh: false);
    }

    /// <summary>The value of the cookie.</summary>
    public string Credential()
    {
        Span<byte> bytes = stackalloc byte[CredentialBytes];
        bytes[0] = 1;
        new TurnId(_id).Write(bytes[1..]);
        new TurnId(_secret).Write(bytes[17..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Whether the store's row was made for this credential and has not reached its end.</summary>
    public bool IsProvedBy(Row row, DateTimeOffset now)
    {
        if (!row.Exists || row.Schema != Schema || row.Body.Length != RowBytes) return false;
        return (row.Decoded is SessionHandle proved ? proved.HasSecretOf(this) : IsHashedIn(row)) && EndOf(row) > now;
    }

    /// <summary>The row that makes a fresh session real.</summary>
    public RowWrite ToRow(DateTimeOffset now, SessionModel model)
    {
        var body = new byte[RowBytes];
        Hash(body);
        BinaryPrimitives.WriteInt64BigEndian(body.AsSpan(32), now.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(body.AsSpan(40), (now + model.AbsoluteTimeout).ToUnixTimeMilliseconds());
        return new RowWrite(Key, RowChange.Put, StateVersion.None) { Schema = Schema, Body = body, Decoded = this, TimeToLive = model.IdleTimeout };
    }

    /// <summary>The new time to live of a session whose window is three quarters left or less; null while there is more.</summary>
    public static TimeSpan? Prolonged(Row row, DateTimeOffset now, SessionModel model)
    {
        if (row.Remaining is not { } remaining || remaining >= model.IdleTimeout * 0.75) return null;
        var untilEnd = EndOf(row) - now;
        var next = untilEnd < model.IdleTimeout ? untilEnd : model.IdleTimeout;
        return next > remaining ? next : null;
    }

    /// <summary>
    /// Whether the row holds the hash of this secret. If so the row, where a store keeps it in memory, remembers the handle:
    /// the hash guards what leaves the process, and computing it anew was a third of what a read costs.
    /// </summary>
    private bool IsHashedIn(Row row)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(hash);
        if (!CryptographicOperations.FixedTimeEquals(hash, row.Body.Span[..SHA256.HashSizeInBytes])) return false;
        row.Decoded = this;
        return true;
    }

    private bool HasSecretOf(SessionHandle other) => CryptographicOperations.FixedTimeEquals(
        MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in _secret)), MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in other._secret)));

    private static DateTimeOffset EndOf(Row row) =>
        DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(row.Body.Span[40..]));

    private void Hash(Span<byte> destination)
    {
        Span<byte> secret = stackalloc byte[16];
        new TurnId(_secret).Write(secret);
        SHA256.HashData(secret, destination);
    }
}
