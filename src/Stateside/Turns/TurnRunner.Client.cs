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
            if (!slot.Definition.Adopts || held[i] is not { Exists: true } brought || row.Exists || !row.Version.IsNone) continue;
            var (_, moved, guard) = await FindMovedAsync(slot, aborted);
            if (moved.Exists) continue;
            brought = await NewestAsync(place, slot, brought, ClientGuard.Read(guard), aborted);
            loaded.Rows[i] = await AdoptAsync(place, request.Owned, slot, brought, row.Version, moved.Version, seed);
        }
        return await place.CompareAsync(request, loaded, aborted);
    }

    /// <summary>A replay, with the states that were sealed then: given to the client again, or taken over by the store.</summary>
    private async ValueTask<TurnOutcome> RecordedAsync(TurnRequest request, ReceiptRow there, TurnSeed seed, CancellationToken aborted)
    {
        var outcome = Recorded(request.Receipt!, there);
        // What the first request changed may be in the store without memory knowing: its answer to that node may have been lost.
        request.Owned?.Memory.Forget();
        if (client is null || request.Held is null) return outcome;
        var then = ClientReceipt.Read(there.Body);
        foreach (var state in then)
        {
            var i = Array.FindIndex(request.Slots, slot => slot.Definition.Name == state.Name && slot.Definition.Adopts);
            if (i >= 0) await TakeOverReplayedAsync(client, request.Owned, request.Slots[i], state, seed, aborted);
        }
        return outcome with { Again = ClientPlace.Again(request, then) };
    }

    /// <summary>
    /// The state of a replay whose response may never have reached the client. Since then the state has moved to the store, and what it
    /// took over from the client may be the version before: then the replayed one takes its place, unless others have built on that.
    /// </summary>
    /// <exception cref="StatesideException">SS1021: they have. What the first request did is in no state, and is not claimed to be.</exception>
    private async ValueTask TakeOverReplayedAsync(ClientPlace place, NodeEntry? owned, SlotRequest slot, SealedState state, TurnSeed seed, CancellationToken aborted)
    {
        if (await place.OpenAsync(slot.Definition, slot.Key, state.Token!, aborted) is not { Exists: true } replayed) return;
        var (row, moved, _) = await FindMovedAsync(slot, aborted);
        var taken = MovedState.Read(moved);
        if (taken?.Counter >= replayed.Version.Counter) return;
        var isUntouched = taken is null ? row.Version.IsNone : row is { Exists: true, Version.Counter: 1 };
        if (!isUntouched) throw Errors.ClientStateBehind(slot.Definition.Name, new SealedState(slot.Definition.Name, null));
        var now = await AdoptAsync(place, owned, slot, replayed, row.Version, moved.Version, seed);
        if (!now.Body.Span.SequenceEqual(replayed.Body.Span)) throw Errors.ClientStateBehind(slot.Definition.Name, new SealedState(slot.Definition.Name, null));
    }

    /// <summary>Of a state that was guarded, the store may know a newer version than the client has been told of.</summary>
    /// <exception cref="StatesideException">SS1022: it does, and only another request of the client can bring it.</exception>
    private static async ValueTask<Row> NewestAsync(ClientPlace place, SlotRequest slot, Row brought, ClientGuard? guard, CancellationToken aborted)
    {
        if (guard is null || guard.Version.Counter <= brought.Version.Counter) return brought;
        if (guard.Token is null) throw Errors.ClientStateRewound(slot.Definition.Name);
        return await place.OpenAsync(slot.Definition, slot.Key, guard.Token, aborted) ?? throw Errors.ClientStateRefused(slot.Definition.Name);
    }

    /// <summary>The row of a state, the one that remembers its move, and the one that guarded it: one trip.</summary>
    private async ValueTask<(Row State, Row Moved, Row Guard)> FindMovedAsync(SlotRequest slot, CancellationToken aborted)
    {
        var reader = new GuardDefinition(slot.Definition);
        var found = await store.LoadAsync(new TurnRequest
        {
            Slots =
            [
                new SlotRequest(reader, slot.Key, Writes: false), new SlotRequest(reader, MovedState.KeyOf(slot.Key), Writes: false),
                new SlotRequest(reader, ClientGuard.KeyOf(slot.Key), Writes: false),
            ],
        }, null, aborted);
        return (found.Rows[0], found.Rows[1], found.Rows[2]);
    }

    /// <summary>Writes what a client brought as the row in the store, and beside it that it has moved.</summary>
    /// <returns>The row that is there now, whoever wrote it.</returns>
    private async ValueTask<Row> AdoptAsync(ClientPlace place, NodeEntry? owned, SlotRequest slot, Row brought, StateVersion expected, StateVersion expectedMove, TurnSeed seed)
    {
        var life = place.Life(slot.Definition);
        var write = new RowWrite(slot.Key, RowChange.Put, expected) { Schema = brought.Schema, Body = brought.Body, TimeToLive = life };
        var commit = new Commit(slot.Key.Group, seed.Id)
        {
            Rows = [write, MovedState.Write(slot.Key, expectedMove, brought.Version, life)],
            Fence = owned is not null && owned.Group == slot.Key.Group ? new Fence(owned.Shard.Number, owned.Memory.Epoch) : null,
        };
        // The row comes into the store beside memory, which took it to be absent.
        owned?.Memory.Forget();
        if (await store.CommitAsync(commit) is CommitResult.Conflict conflict) return conflict.Rows[0];
        telemetry.Adopted.Add(1);
        return Row.Of(write, seed.Id, life);
    }
}
