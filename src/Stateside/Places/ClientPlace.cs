using Stateside.Configuration;
using Stateside.Sealing;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Places;

/// <summary>
/// The stateless place: a state comes sealed with the request and leaves sealed with the response. The server keeps nothing of
/// it, but for a guarded state its newest version (<see cref="ClientGuard"/>).
/// </summary>
internal sealed class ClientPlace(Sealer sealer, StatesideModel model, TimeProvider time)
{
    private const string Kind = "state";

    /// <summary>A seal that has this part of its life left, or more, is not renewed by a read.</summary>
    private const double FreshPart = 0.75;

    /// <summary>Hop 3, from the client: opens the states that the request brought, and asks for the rows that guard them.</summary>
    /// <param name="request">What the turn takes.</param>
    /// <param name="session">The session; a fresh one has brought nothing.</param>
    /// <param name="carrier">What the client carries; null for a turn without a client.</param>
    /// <param name="aborted">Ends the wait for keys that are not at hand.</param>
    /// <exception cref="StatesideException">SS1020: what the request brought was not sealed here for this state and this session or user.</exception>
    public async ValueTask<TurnRequest> OpenAsync(TurnRequest request, SessionHandle? session, IClientCarrier? carrier, CancellationToken aborted)
    {
        Row?[]? held = null;
        List<SlotRequest>? guards = null;
        for (var i = 0; i < request.Slots.Length; i++)
        {
            var slot = request.Slots[i];
            if (!slot.Definition.IsCarried) continue;
            if (carrier is null) throw Errors.ClientOnly(slot.Definition.Name);
            held ??= new Row?[request.Slots.Length];
            var token = session is { IsFresh: true } && slot.Key.Group == session.Group ? null : carrier.Find(slot.Definition.Name);
            held[i] = token is null ? Row.Absent(slot.Key) : await OpenAsync(slot.Definition, slot.Key, token, aborted) ?? throw Errors.ClientStateRefused(slot.Definition.Name);
            if (slot.Definition.Guard is { } guard) (guards ??= []).Add(new SlotRequest(guard, ClientGuard.KeyOf(slot.Key), slot.Writes));
        }
        if (held is null) return request;
        return guards is null ? request.With(request.Slots, held) : request.With([.. request.Slots, .. guards], [.. held, .. new Row?[guards.Count]]);
    }

    /// <summary>After a load or a conflict: compares what the client brought with what guards it.</summary>
    /// <exception cref="StatesideException">SS1021: another request of the client was first. SS1022: the client went back to a version that it has long replaced.</exception>
    public async ValueTask<LoadedTurn> CompareAsync(TurnRequest request, LoadedTurn loaded, CancellationToken aborted)
    {
        for (var j = request.Slots.Length - 1; j >= 0 && request.Slots[j].Definition is GuardDefinition guard; j--)
        {
            var i = Array.FindIndex(request.Slots, slot => slot.Definition == guard.Guarded);
            var brought = request.Held![i]!;
            var known = ClientGuard.Read(loaded.Rows[j]);
            if (known is null || known.Version == brought.Version)
            {
                loaded.Rows[i] = brought;
                continue;
            }
            // The client is one version behind. If nobody has shown the newest yet, its response was lost on the way, or another
            // tab was first: a read shows the newest, and a change, which was made for the older, is refused.
            if (known.Previous != brought.Version || known.Token is null) throw Errors.ClientStateRewound(guard.Guarded.Name);
            var newest = new SealedState(guard.Guarded.Name, known.Token);
            if (request.Slots[i].Writes) throw Errors.ClientStateBehind(guard.Guarded.Name, newest);
            loaded.Rows[i] = await OpenAsync(guard.Guarded, brought.Key, newest.Token!, aborted) ?? throw Errors.ClientStateRefused(guard.Guarded.Name);
            (loaded.Leaving ??= []).Add(newest);
        }
        return loaded;
    }

    /// <summary>What leaves with the response of a turn that only reads: newer seals for what would end soon, and no longer what the store has taken over.</summary>
    public IReadOnlyList<SealedState> Renewed(TurnRun run, LoadedTurn loaded)
    {
        var leaving = loaded.Leaving;
        for (var i = 0; i < run.Slots.Length; i++)
        {
            var (definition, row) = (run.Request.Slots[i].Definition, run.Slots[i].Row);
            if (definition.Adopts && run.Request.Held?[i] is { Version.IsNone: false }) (leaving ??= []).Add(new SealedState(definition.Name, null));
            // A state without an end of its own outlives its session, and is not sealed anew: a read that is slow could put back what a write has replaced.
            if (definition.TimeToLive is null && row.Key.Group == run.Session?.Group) continue;
            if (definition.Place != Place.Client || run.Slots[i].IsChanged || row.Remaining is not { } left || left >= Life(definition) * FreshPart) continue;
            if (leaving?.Exists(s => s.Name == definition.Name) != true) (leaving ??= []).Add(Seal(definition, row) with { Base = row.Version });
        }
        return leaving ?? [];
    }

    /// <summary>Hop 5: seals what the run changed. It leaves with the response once the commit, if there is one, has been accepted.</summary>
    /// <exception cref="StatesideException">SS1017, SS1019: it is too large. Nothing has been written.</exception>
    public void Seal(TurnRun run, LoadedTurn loaded, IClientCarrier? carrier)
    {
        var leaving = new List<SealedState>(Renewed(run, loaded));
        for (var i = 0; i < run.Slots.Length; i++)
        {
            var (definition, slot) = (run.Request.Slots[i].Definition, run.Slots[i]);
            if (definition.Place != Place.Client || !slot.IsChanged) continue;
            var write = slot.ToWrite(null)!;
            var state = Seal(definition, write.Change == RowChange.Put ? Row.Of(write, run.Turn.Id, null) : Row.Absent(write.Key, write.After(run.Turn.Id)));
            leaving.Add(state with { Base = slot.Row.Version });
            GuardOf(run, definition)?.Set(new ClientGuard(slot.VersionAfter(run.Turn.Id), slot.Row.Version, state.Token), Life(definition));
        }
        if (leaving.Count == 0) return;
        carrier!.EnsureFits(leaving, run.Session is { IsFresh: true });
        run.Leaving = leaving;
    }

    /// <summary>What a replay gives the client again: the states that the first run sealed, if the client still holds what they were made from, or nothing.</summary>
    /// <param name="request">The request of the retry, with what it brought.</param>
    /// <param name="sealedThen">What the receipt holds.</param>
    public static IReadOnlyList<SealedState> Again(TurnRequest request, IReadOnlyList<SealedState> sealedThen)
    {
        var again = new List<SealedState>(sealedThen.Count);
        foreach (var state in sealedThen)
        {
            var i = Array.FindIndex(request.Slots, slot => slot.Definition.Name == state.Name && slot.Definition.IsCarried);
            if (i < 0) continue;
            if (request.Slots[i].Definition.Adopts)
            {
                if (!request.Held![i]!.Version.IsNone) again.Add(state with { Token = null });
                continue;
            }
            // Whatever else the client holds it has made since, or begun anew: that is not to be replaced by something older.
            var brought = request.Held![i]!.Version;
            if (brought == state.Base || brought.IsNone) again.Add(state);
        }
        return again;
    }

    /// <summary>How long a seal is good for. A session ends no later, so a state without an end of its own ends with it.</summary>
    public TimeSpan Life(StateDefinition definition) =>
        definition.TimeToLive is { } life && life < model.Session.AbsoluteTimeout ? life : model.Session.AbsoluteTimeout;

    private SealedState Seal(StateDefinition definition, Row row)
    {
        var now = time.GetUtcNow();
        return new SealedState(definition.Name, sealer.Seal(Purpose(row.Key), ClientContent.Write(definition, row, now, now + Life(definition))));
    }

    /// <summary>The row in a seal; null if it does not open, or holds what cannot be.</summary>
    public async ValueTask<Row?> OpenAsync(StateDefinition definition, StateKey key, string token, CancellationToken aborted)
    {
        var purpose = Purpose(key);
        var opening = sealer.TryOpen(purpose, token, out var content);
        if (opening == SealOpening.UnknownKey && await sealer.OpenAsync(purpose, token, aborted) is { } late) (opening, content) = (SealOpening.Opened, late);
        return opening == SealOpening.Opened ? ClientContent.Read(definition, key, content, time.GetUtcNow()) : null;
    }

    private static SealPurpose Purpose(StateKey key) => new(Kind, key.Name, key.Group.Value);

    private static GuardSlot? GuardOf(TurnRun run, StateDefinition definition) =>
        Array.Find(run.Slots, slot => slot is GuardSlot guard && guard.Definition.Guarded == definition) as GuardSlot;
}
