using System.Diagnostics;
using Stateside.Caching;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.Sessions;
using Stateside.Stores;
using Stateside.Watching;

namespace Stateside.Turns;

/// <summary>The store as a turn uses it: every trip is counted and timed, and every failure becomes an error of the catalogue that says what was applied.</summary>
internal sealed class TurnStore(IStore store, Telemetry telemetry, NearCache? cache = null)
{
    /// <summary>Who hears of commits to rows that do not live on nodes; null: nobody yet.</summary>
    public WatchHub? Watches { get; set; }

    /// <summary>Hop 3: one trip for everything the turn reads; none if nothing of it can exist yet.</summary>
    /// <param name="request">The turn.</param>
    /// <param name="session">Its session.</param>
    /// <param name="cancellationToken">The client has gone.</param>
    /// <param name="known">Rows that are at hand already; null for those that are not.</param>
    /// <param name="knownSession">The same for the session's row.</param>
    public async ValueTask<LoadedTurn> LoadAsync(TurnRequest request, SessionHandle? session, CancellationToken cancellationToken, Row[]? known = null, Row? knownSession = null)
    {
        var keys = new List<StateKey>(request.Slots.Length + 1);
        var rows = new Row[request.Slots.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            var slot = request.Slots[i];
            if (known?[i] is { } atHand) rows[i] = atHand;
            else if (slot.Definition.Place == Place.Client) rows[i] = request.Held![i]!;
            else if (!IsStored(slot, session)) rows[i] = Row.Absent(slot.Key);
            else if (Recent(slot) is { } recent) rows[i] = recent;
            else keys.Add(slot.Key);
        }
        var loadsSession = session is { HasRow: true } && knownSession is null;
        if (loadsSession) keys.Add(session!.Key);
        var fresh = session is { IsFresh: true } && request.Group == session.Group;
        var receipt = request.Receipt is { } r && !fresh ? new ReceiptKey(request.Group!.Value, r.Id) : (ReceiptKey?)null;

        var loaded = keys.Count == 0 && receipt is null ? new LoadResult([], null) : await LoadAsync(new LoadRequest(keys, receipt), cancellationToken);
        var next = 0;
        for (var i = 0; i < rows.Length; i++) rows[i] ??= loaded.Rows[next++];
        return new LoadedTurn(rows, loadsSession ? loaded.Rows[next] : knownSession, loaded.Receipt);
    }

    /// <summary>
    /// The same from the near cache, without a trip, if everything that the turn could go wrong by is at hand and will be in its
    /// commit: all its states, and the session's row. Null if not.
    /// </summary>
    public LoadedTurn? Recall(TurnRequest request, SessionHandle? session)
    {
        if (cache is null || request.Group is null || request.Held is not null || request.Receipt is { CallsOutside: true }) return null;
        if (session is { HasRow: true } && session.Group != request.Group) return null;
        var isWorth = false;
        foreach (var slot in request.Slots)
        {
            if (!IsStored(slot, session) || !slot.Writes) continue;
            if (!slot.Definition.IsCached) return null;
            isWorth = true;
        }
        if (!isWorth) return null;
        var rows = new Row[request.Slots.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            var slot = request.Slots[i];
            var row = !IsStored(slot, session) ? Row.Absent(slot.Key) : slot.Writes ? cache.Find(slot.Key) : Recent(slot);
            if (row is null) return null;
            rows[i] = row;
        }
        if (session is not { HasRow: true }) return new LoadedTurn(rows, null, null);
        return cache.Find(session.Key) is { } sessionRow ? new LoadedTurn(rows, sessionRow, null) : null;
    }

    /// <summary>Hop 6: one trip. A lost answer is resolved by one load.</summary>
    /// <exception cref="StatesideException">SS3001: nothing was written. SS3002: it is not known whether it was.</exception>
    public async ValueTask<CommitResult> CommitAsync(Commit commit)
    {
        var started = telemetry.Start();
        using var activity = telemetry.Source.StartActivity("stateside.commit");
        try
        {
            var ticket = cache?.Begin() ?? default;
            // Not the request's cancellation: a client that goes away must not stop a write halfway.
            var result = await store.CommitAsync(commit, CancellationToken.None);
            cache?.Learn(commit, result, ticket);
            if (result == CommitResult.Committed) Watches?.Committed(commit, onNode: false);
            return result;
        }
        catch (StoreException e) when (e.Applied == Applied.No)
        {
            throw Errors.StoreAway(e);
        }
        // Of any other exception than the port allows nothing is known either, and whoever waits for the commit must be told all the same.
        catch (Exception e) when (e is not StatesideException)
        {
            cache?.Forget(commit);
            // Written or not, it is looked for until it can no longer arrive.
            Watches?.Suspect(commit, onNode: false);
            return await ResolveAsync(commit, e);
        }
        finally
        {
            telemetry.Trip("commit", started);
        }
    }

    /// <summary>One row as it stands in the store, for those who watch it.</summary>
    /// <exception cref="StatesideException">SS3001: the store does not answer.</exception>
    public async ValueTask<Row> LoadRowAsync(StateKey key) => (await LoadAsync(new LoadRequest([key]), CancellationToken.None)).Rows[0];

    /// <summary>Events of one key.</summary>
    /// <exception cref="StatesideException">SS3001: the store does not answer.</exception>
    public async ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken)
    {
        var started = telemetry.Start();
        try
        {
            return await store.ReadJournalAsync(key, after, limit, cancellationToken);
        }
        catch (StoreException e)
        {
            throw Errors.StoreAway(e);
        }
        finally
        {
            telemetry.Trip("journal", started);
        }
    }

    private async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        var started = telemetry.Start();
        using var activity = telemetry.Source.StartActivity("stateside.load");
        try
        {
            var ticket = cache?.Begin() ?? default;
            var result = await store.LoadAsync(request, cancellationToken);
            cache?.Learn(result, ticket);
            return result;
        }
        catch (Exception e) when (e is not (StatesideException or OperationCanceledException))
        {
            throw Errors.StoreAway(e);
        }
        finally
        {
            telemetry.Trip("load", started);
        }
    }

    /// <summary>
    /// What became of a commit whose answer was lost. It is known to be written if a row is at the version it wrote, or its
    /// receipt or claim is there; known not to be if a row it wrote has passed to another turn at a count that it would have passed over. Anything else
    /// stays unknown: a commit still on its way may yet arrive.
    /// </summary>
    private async ValueTask<CommitResult> ResolveAsync(Commit commit, Exception lost)
    {
        LoadResult now;
        try
        {
            var receipt = commit.Receipt is { } r ? new ReceiptKey(commit.Group, r.Id) : (ReceiptKey?)null;
            now = await store.LoadAsync(new LoadRequest([.. commit.Rows.Select(row => row.Key)], receipt), CancellationToken.None);
        }
        catch (Exception e) when (e is not StatesideException)
        {
            throw Errors.CommitUnknown(lost);
        }
        telemetry.Resolved.Add(1);
        for (var i = 0; i < commit.Rows.Count; i++)
        {
            var write = commit.Rows[i];
            if (write.Change is not (RowChange.Put or RowChange.Delete)) continue;
            var (mine, there) = (write.After(commit.Turn), now.Rows[i].Version);
            if (there == mine) return CommitResult.Committed;
            if (there.Counter > write.Expected.Counter && there.Counter <= mine.Counter) return new CommitResult.Conflict(now.Rows);
        }
        if (now.Receipt is not { } receiptThere || commit.Receipt is not { } asked) throw Errors.CommitUnknown(lost);
        if (IsWrittenBy(asked, receiptThere)) return CommitResult.Committed;
        return receiptThere.Status == ReceiptStatus.Recorded && asked.ExpectedClaim is null ? new CommitResult.AlreadyRecorded(receiptThere) : throw Errors.CommitUnknown(lost);
    }

    /// <summary>Whether a claim, or what settles it, was written. A claim's token is its own; of two settling receipts that are equal it does not matter whose is there.</summary>
    private static bool IsWrittenBy(ReceiptWrite asked, ReceiptRow there) =>
        (asked.Status == ReceiptStatus.Claimed || asked.ExpectedClaim is not null)
        && there.Status == asked.Status && there.Claim == asked.Claim && there.Body.Span.SequenceEqual(asked.Body.Span);

    /// <summary>The row of a snapshot whose state may be as old as configured; null if it must be loaded.</summary>
    private Row? Recent(SlotRequest slot) => !slot.Writes && slot.Definition.MaxAge is { } maxAge ? cache?.Find(slot.Key, maxAge) : null;

    private static bool IsStored(SlotRequest slot, SessionHandle? session) =>
        !slot.IsNew && !(session is { IsFresh: true } && slot.Key.Group == session.Group);
}

/// <summary>What a turn found: a row for each slot, the session's row, and the receipt.</summary>
internal sealed record LoadedTurn(Row[] Rows, Row? SessionRow, ReceiptRow? Receipt)
{
    /// <summary>States of the client that must leave with the response, whatever the run does.</summary>
    public List<SealedState>? Leaving { get; set; }

    /// <summary>The same for a request whose new keys are other ones; they are not loaded.</summary>
    public LoadedTurn Under(TurnRequest request) =>
        this with { Rows = [.. Rows.Select((row, i) => request.Slots[i].IsNew ? Row.Absent(request.Slots[i].Key) : row)] };

    /// <summary>Whether a load has shown that what may be written, and the session, still are at the versions that were taken for theirs, and that no receipt is there.</summary>
    public bool Stands(TurnRequest request, LoadedTurn loaded)
    {
        if (loaded.Receipt is not null || !IsSame(SessionRow, loaded.SessionRow)) return false;
        for (var i = 0; i < Rows.Length; i++)
            if (request.Slots[i].Writes && !IsSame(Rows[i], loaded.Rows[i])) return false;
        return true;
    }

    /// <summary>A row that has expired keeps its version.</summary>
    private static bool IsSame(Row? one, Row? other) => one?.Version == other?.Version && one?.Exists == other?.Exists;

    /// <summary>The same with the rows that a conflict brought.</summary>
    public LoadedTurn With(TurnRequest request, IReadOnlyList<Row> current)
    {
        var rows = (Row[])Rows.Clone();
        var sessionRow = SessionRow;
        foreach (var row in current)
        {
            for (var i = 0; i < rows.Length; i++)
                if (request.Slots[i].Key == row.Key) rows[i] = row;
            if (row.Key.Name == SessionHandle.RowName) sessionRow = row;
        }
        return new LoadedTurn(rows, sessionRow, null);
    }
}
