using Stateside.Places;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>What a turn does with states that requests bring themselves.</summary>
internal sealed partial class TurnRunner
{
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
            loaded.Rows[i] = await store.CommitAsync(new Commit(row.Key.Group, seed.Id) { Rows = [write] }) switch
            {
                CommitResult.Conflict conflict => conflict.Rows[0],
                _ => Row.Of(write, seed.Id, write.TimeToLive),
            };
            telemetry.Adopted.Add(1);
        }
        return await place.CompareAsync(request, loaded, aborted);
    }
}
