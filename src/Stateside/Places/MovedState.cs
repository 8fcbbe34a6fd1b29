using Stateside.States;
using Stateside.Stores;

namespace Stateside.Places;

/// <summary>
/// The row that remembers that the store has taken a state over from its client, and at which version: a store forgets what was deleted
/// sooner than the last seal of it ends, and a retry that comes late must be told whether what it did was part of what moved.
/// </summary>
/// <remarks>Wire format (ADR 0006): row <c>$moved</c>, item: the state's name. 1; the version that was taken over (24).</remarks>
internal static class MovedState
{
    private const string RowName = "$moved";
    private const int Shape = 1;

    public static StateKey KeyOf(StateKey state) => new(state.Group, RowName, state.Name);

    public static RowWrite Write(StateKey state, StateVersion expected, StateVersion taken, TimeSpan life)
    {
        var body = new byte[1 + StateVersion.Size];
        body[0] = 1;
        taken.Write(body.AsSpan(1));
        // Longer than any seal of it, on any clock.
        return new RowWrite(KeyOf(state), RowChange.Put, expected) { Schema = Shape, Body = body, TimeToLive = life + ClientContent.Skew };
    }

    /// <summary>The version that was taken over; null if none was.</summary>
    public static StateVersion? Read(Row row)
    {
        if (!row.Exists) return null;
        if (row.Schema != Shape || row.Body.Length != 1 + StateVersion.Size) throw Errors.RowUnreadable(RowName, null);
        return StateVersion.Read(row.Body.Span[1..]);
    }
}
