using Stateside.Places;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>What a turn does with states that requests bring themselves.</summary>
internal sealed partial class TurnRunner
{
    /// <summary>The row that remembers that the store has taken a state over (ADR 0006).</summary>
    private const string MovedRow = "$moved";

    /// <summary>Hop 1, and the part of hop 3 that needs no store: the states that the request brought.</summary>
    private ValueTask<TurnRequest> BindAsync(ITurnHost host, SessionHandle? session, TurnSeed seed)
    {
        var request = host.Bind(session, seed);
        return client is null ? new(request) : client.OpenAsync(request, session, host.Carrier, host.Aborted);
    }

    /// <summary>
    /// Compares guarded states with their guards, and lets the store take over what a client still carries of a state that has moved
    /// there. That is a commit of its own, before the handler runs, so that a turn which only reads takes over too. It happens only
    /// where the store has never known the state: what is there, or was deleted, is newer than what any client carries.
    /// </summary>
    private async ValueTask<LoadedTurn> TakeOverAsync(ClientPlace place, TurnRequest request, LoadedTurn loaded, TurnSeed seed, CancellationToken aborted)
    {
        if (request.Held is not { } held) return loaded;
        for (var i = 0; i < request.Slots.Length; i++)
        {
            var (definition, row) = (request.Slots[i].Definition, loaded.Rows[i]);
            if (!definition.Adopts || held[i] is not { Exists: true } brought || row.Exists || !row.Version.IsNone) continue;
            var write = new RowWrite(row.Key, RowChange.Put, StateVersion.None) { Schema = brought.Schema, Body = brought.Body, TimeToLive = place.Life(definition) };
            // A store forgets what was deleted sooner than the last seal of it ends, and must not take that over once more.
            var moved = new RowWrite(new StateKey(row.Key.Group, MovedRow, definition.Name), RowChange.Put, StateVersion.None)
            {
                Schema = 1, Body = new byte[] { 1 }, TimeToLive = place.Life(definition) + ClientContent.Skew,
            };
            loaded.Rows[i] = await store.CommitAsync(new Commit(row.Key.Group, seed.Id) { Rows = [write, moved] }) switch
            {
                CommitResult.Conflict conflict => conflict.Rows[0],
                _ => Row.Of(write, seed.Id, write.TimeToLive),
            };
            telemetry.Adopted.Add(1);
        }
        return await place.CompareAsync(request, loaded, aborted);
    }
}
