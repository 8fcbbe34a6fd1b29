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
            var (slot, row) = (request.Slots[i], loaded.Rows[i]);
            if (slot.Definition.Adopts && held[i] is { Exists: true } brought && !row.Exists && row.Version.IsNone)
                loaded.Rows[i] = await AdoptAsync(place, slot, brought, default, seed, aborted);
        }
        return await place.CompareAsync(request, loaded, aborted);
    }

    /// <summary>
    /// Writes what a client brought as the row in the store, and beside it which version that was: so a retry that comes later can be
    /// told whether what it did then was part of it.
    /// </summary>
    /// <returns>The row that is there now, whoever wrote it.</returns>
    /// <exception cref="StatesideException">SS1022: the state was guarded, and is older than its guard knows.</exception>
    private async ValueTask<Row> AdoptAsync(ClientPlace place, SlotRequest slot, Row brought, StateVersion expected, TurnSeed seed, CancellationToken aborted)
    {
        for (var known = default(StateVersion); ;)
        {
            var life = place.Life(slot.Definition);
            var write = new RowWrite(slot.Key, RowChange.Put, expected) { Schema = brought.Schema, Body = brought.Body, TimeToLive = life };
            var mark = new GuardSlot(slot.Definition.Guard!, Row.Absent(ClientGuard.KeyOf(slot.Key), known));
            mark.Set(new ClientGuard(brought.Version, default, null), life);
            var result = await store.CommitAsync(new Commit(slot.Key.Group, seed.Id) { Rows = [write, mark.ToWrite(null)!] });
            if (result is not CommitResult.Conflict { Rows: var now })
            {
                telemetry.Adopted.Add(1);
                return Row.Of(write, seed.Id, life);
            }
            if (now[0].Version != expected || now[1].Version == known) return now[0];
            known = now[1].Version;
            if (ClientGuard.Read(now[1]) is not { } guard || guard.Version.Counter <= brought.Version.Counter) continue;
            if (guard.Token is null) throw Errors.ClientStateRewound(slot.Definition.Name);
            brought = await place.OpenAsync(slot.Definition, slot.Key, guard.Token, aborted) ?? throw Errors.ClientStateRefused(slot.Definition.Name);
        }
    }

    /// <summary>A replay, with the states that were sealed then: given to the client again, or taken over by the store.</summary>
    private async ValueTask<TurnOutcome> RecordedAsync(TurnRequest request, ReceiptRow there, TurnSeed seed, CancellationToken aborted)
    {
        var outcome = Recorded(request.Receipt!, there);
        if (client is null || request.Held is null) return outcome;
        var then = ClientReceipt.Read(there.Body);
        foreach (var state in then)
        {
            var i = Array.FindIndex(request.Slots, slot => slot.Definition.Name == state.Name && slot.Definition.Adopts);
            if (i >= 0) await TakeOverReplayedAsync(client, request.Slots[i], state, seed, aborted);
        }
        return outcome with { Again = await client.AgainAsync(request, then, aborted) };
    }

    /// <summary>
    /// The state of a replay whose response may never have reached the client. Since then the state has moved to the store, and what it
    /// took over from the client may be the version before: then the replayed one takes its place, unless others have built on that.
    /// </summary>
    /// <exception cref="StatesideException">SS1021: they have. What the first request did is in no state, and is not claimed to be.</exception>
    private async ValueTask TakeOverReplayedAsync(ClientPlace place, SlotRequest slot, SealedState state, TurnSeed seed, CancellationToken aborted)
    {
        if (await place.OpenAsync(slot.Definition, slot.Key, state.Token!, aborted) is not { Exists: true } replayed) return;
        var keys = new TurnRequest { Slots = [slot with { Writes = false }, new SlotRequest(slot.Definition.Guard!, ClientGuard.KeyOf(slot.Key), Writes: false)] };
        var now = (await store.LoadAsync(keys, null, aborted)).Rows;
        var adopted = ClientGuard.Read(now[1]);
        if (adopted is not null && adopted.Version.Counter >= replayed.Version.Counter) return;
        if (now[0].Version.IsNone || adopted is not null && now[0].Version.Counter == 1)
        {
            await AdoptAsync(place, slot, replayed, now[0].Version, seed, aborted);
            return;
        }
        throw Errors.ClientStateBehind(slot.Definition.Name, new SealedState(slot.Definition.Name, null));
    }
}
