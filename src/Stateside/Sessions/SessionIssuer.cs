using System.Buffers.Binary;
using Stateside.Configuration;
using Stateside.Sealing;

namespace Stateside.Sessions;

/// <summary>
/// Begins sessions and recognises them. As a rule the store knows each session by a row. Where states live with the client
/// there need be no store, so there the credential is sealed and proves itself: it holds the internal id and both its ends.
/// </summary>
/// <remarks>Wire format (ADR 0006): what is sealed is 1, internal id (16), the end of the idle time and the latest end (8 each, big-endian, milliseconds since 1970).</remarks>
/// <param name="sealer">Seals credentials; null: the store proves sessions.</param>
/// <param name="model">How long they last.</param>
/// <param name="time">The clock.</param>
internal sealed class SessionIssuer(Sealer? sealer, SessionModel model, TimeProvider time)
{
    private const int ContentBytes = 1 + TurnId.Size + 8 + 8;

    /// <summary>Characters of a sealed credential.</summary>
    public static readonly int SealedLength = Sealer.SealedLength(ContentBytes);

    private const double FreshPart = 0.75;
    private static readonly SealPurpose s_purpose = new("session", "", "");

    /// <summary>Most ids that are drawn to find one whose states this node owns.</summary>
    public const int MostDraws = 2_000;

    /// <summary>Whether this node owns a group; null where no states live on nodes. A session that begins on its owner needs no other node.</summary>
    public Func<Group, bool>? IsHome { get; init; }

    /// <summary>A session that nobody has yet.</summary>
    public SessionHandle Begin()
    {
        var session = Draw();
        for (var i = 1; IsHome is not null && i < MostDraws && !IsHome(session.Group); i++) session = Draw();
        return session;
    }

    private SessionHandle Draw() => sealer is null ? SessionHandle.Fresh() : SessionHandle.FreshSealed(time.GetUtcNow() + model.AbsoluteTimeout);

    /// <summary>The session of a credential; null for one that was not issued here, or that has ended as far as it can tell itself.</summary>
    public async ValueTask<SessionHandle?> ReadAsync(string credential, CancellationToken cancellationToken)
    {
        if (credential.Length == SessionHandle.CredentialLength || sealer is null) return SessionHandle.Parse(credential);
        var opening = sealer.TryOpen(s_purpose, credential, out var content);
        if (opening == SealOpening.UnknownKey && await sealer.OpenAsync(s_purpose, credential, cancellationToken) is { } late) (opening, content) = (SealOpening.Opened, late);
        if (opening != SealOpening.Opened || content.Length != ContentBytes || content[0] != 1) return null;
        var idle = ReadTime(content.AsSpan(1 + TurnId.Size));
        var end = ReadTime(content.AsSpan(1 + TurnId.Size + 8));
        var left = (idle < end ? idle : end) - time.GetUtcNow();
        if (left <= TimeSpan.Zero) return null;
        return SessionHandle.Sealed(TurnId.Read(content.AsSpan(1)).Value, end, isDue: idle < end && left < model.IdleTimeout * FreshPart);
    }

    /// <summary>What the client is given to hold.</summary>
    public string Credential(SessionHandle session)
    {
        if (!session.IsSealed) return session.Credential();
        Span<byte> content = stackalloc byte[ContentBytes];
        content[0] = 1;
        new TurnId(session.Id).Write(content[1..]);
        var idle = time.GetUtcNow() + model.IdleTimeout;
        WriteTime(content[(1 + TurnId.Size)..], idle < session.End ? idle : session.End);
        WriteTime(content[(1 + TurnId.Size + 8)..], session.End);
        return sealer!.Seal(s_purpose, content);
    }

    private static DateTimeOffset ReadTime(ReadOnlySpan<byte> bytes) => DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes));

    private static void WriteTime(Span<byte> bytes, DateTimeOffset time) => BinaryPrimitives.WriteInt64BigEndian(bytes, time.ToUnixTimeMilliseconds());
}
