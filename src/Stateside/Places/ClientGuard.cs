using System.Text;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Places;

/// <summary>
/// The row in the store that guards a state of the client: its newest version, the one before, and the newest seal until the
/// client has shown that it has it. So an older seal is refused though it is genuine, and a client whose response was lost
/// is given the newest one.
/// </summary>
/// <remarks>Wire format (ADR 0006): row <c>$guard</c>, item: the state's name. 1; newest version (24); the one before (24); then the seal, until it is presented.</remarks>
/// <param name="Version">The newest version.</param>
/// <param name="Previous">The one that it replaced.</param>
/// <param name="Token">The seal of the newest; null once the client has shown that it holds it.</param>
internal sealed record ClientGuard(StateVersion Version, StateVersion Previous, string? Token)
{
    public const string RowName = "$guard";
    public const int Shape = 1;
    private const int HeadBytes = 1 + 2 * StateVersion.Size;

    public static StateKey KeyOf(StateKey state) => new(state.Group, RowName, state.Name);

    /// <summary>What a row says; null if there is none: then the client is believed.</summary>
    public static ClientGuard? Read(Row row)
    {
        if (!row.Exists) return null;
        var bytes = row.Body.Span;
        if (row.Schema != Shape || bytes.Length < HeadBytes || bytes[0] != 1) throw Errors.RowUnreadable(RowName, null);
        var token = bytes[HeadBytes..];
        return new ClientGuard(
            StateVersion.Read(bytes[1..]), StateVersion.Read(bytes[(1 + StateVersion.Size)..]), token.IsEmpty ? null : Encoding.ASCII.GetString(token));
    }

    public byte[] Write()
    {
        var bytes = new byte[HeadBytes + (Token?.Length ?? 0)];
        bytes[0] = 1;
        Version.Write(bytes.AsSpan(1));
        Previous.Write(bytes.AsSpan(1 + StateVersion.Size));
        if (Token is not null) Encoding.ASCII.GetBytes(Token, bytes.AsSpan(HeadBytes));
        return bytes;
    }
}

/// <summary>The guard of one state, as a state of its own that no handler sees: it rides behind the others in a turn.</summary>
internal sealed class GuardDefinition(StateDefinition guarded) : StateDefinition(ClientGuard.RowName, typeof(ClientGuard), Needs.None, ClientGuard.Shape)
{
    public StateDefinition Guarded { get; } = guarded;

    public override bool IsFolded => false;

    public override bool HasEmpty => true;

    public override IStateSlot OpenState(Row row, bool isNew) => new GuardSlot(this, row, isChecked: true);

    public override IStateSlot OpenSnapshot(Row row) => new GuardSlot(this, row, isChecked: false);
}

/// <inheritdoc/>
/// <param name="definition">Of which state.</param>
/// <param name="row">What the store knows.</param>
/// <param name="isChecked">Whether the commit of a turn that leaves it alone checks it: not beside a snapshot, which may be of another group than the turn writes.</param>
internal sealed class GuardSlot(GuardDefinition definition, Row row, bool isChecked) : IStateSlot
{
    private ClientGuard? _next;
    private TimeSpan? _life;

    public GuardDefinition Definition { get; } = definition;

    public Row Row { get; } = row;

    public bool Exists => Row.Exists || _next is not null;

    public bool IsChanged => _next is not null;

    /// <summary>Says what the guard is to know once the turn has committed.</summary>
    public void Set(ClientGuard next, TimeSpan life) => (_next, _life) = (next, life);

    /// <summary>The write that lets go of a seal which the client has shown that it holds; null if there is none.</summary>
    public RowWrite? Presented(TurnRun run)
    {
        if (IsChanged || ClientGuard.Read(Row) is not { Token: not null } known) return null;
        var shown = run.Request.Held![Array.FindIndex(run.Request.Slots, slot => slot.Definition == Definition.Guarded)]!;
        return known.Version == shown.Version ? Put(known with { Token = null }, Row.Remaining) : null;
    }

    public StateVersion VersionAfter(TurnId turn) => IsChanged ? Row.Version.Next(turn) : Row.Version;

    public RowWrite? ToWrite(TimeSpan? lifeOfSession) => _next is not null ? Put(_next, _life)
        : isChecked ? new RowWrite(Row.Key, RowChange.Check, Row.Version)
        : null;

    public Func<byte[]> WatchValue() => () => [];

    private RowWrite Put(ClientGuard guard, TimeSpan? life) =>
        new(Row.Key, RowChange.Put, Row.Version) { Schema = ClientGuard.Shape, Body = guard.Write(), TimeToLive = life };
}
