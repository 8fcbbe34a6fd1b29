using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>
/// What a commit does to the tables, inside the transaction that the writer has begun. All checks come before the first
/// write, so that a commit which is refused leaves nothing behind among the others of its batch.
/// </summary>
internal sealed class SqliteTables(SqliteConnection connection, RowCache cache) : IDisposable
{
    private static readonly long s_tombstone = (long)RowWrite.TombstoneLife.TotalMilliseconds;

    private readonly SqliteReader _reader = new(connection, cache, keeps: false);
    private (StateVersion Version, RowPlace Place)[] _found = new (StateVersion, RowPlace)[8];
    private readonly SqliteStatement _insertRow = connection.Prepare(
        "INSERT INTO rows (grp, name, item, counter, turn, shape, seq, ends, sweep, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    private readonly SqliteStatement _updateRow = connection.Prepare("UPDATE rows SET counter = ?1, turn = ?2, shape = ?3, seq = ?4, ends = ?5, body = ?6 WHERE id = ?7");
    private readonly SqliteStatement _deleteRow = connection.Prepare("UPDATE rows SET counter = ?1, turn = ?2, seq = 0, ends = ?3, body = NULL WHERE id = ?4");
    private readonly SqliteStatement _prolong = connection.Prepare("UPDATE rows SET ends = ?1 WHERE id = ?2");
    private readonly SqliteStatement _sweep = connection.Prepare("UPDATE rows SET sweep = ?1 WHERE id = ?2");
    private readonly SqliteStatement _removeRow = connection.Prepare("DELETE FROM rows WHERE id = ?1");
    private readonly SqliteStatement _addEvent = connection.Prepare("INSERT INTO journal (row_id, seq, turn, shape, body) VALUES (?1, ?2, ?3, ?4, ?5)");
    private readonly SqliteStatement _clearJournal = connection.Prepare("DELETE FROM journal WHERE row_id = ?1");
    private readonly SqliteStatement _insertReceipt = connection.Prepare(
        "INSERT INTO receipts (grp, id, status, fingerprint, claim, lease, ends, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    private readonly SqliteStatement _updateReceipt = connection.Prepare(
        "UPDATE receipts SET status = ?1, fingerprint = ?2, claim = ?3, lease = ?4, ends = ?5, body = ?6 WHERE rowid = ?7");
    private readonly SqliteStatement _removeReceipt = connection.Prepare("DELETE FROM receipts WHERE rowid = ?1");
    private readonly SqliteStatement _putEffect = connection.Prepare("INSERT OR REPLACE INTO effects (grp, id, name, due, body) VALUES (?1, ?2, ?3, ?4, ?5)");
    private readonly SqliteStatement _removeEffect = connection.Prepare("DELETE FROM effects WHERE grp = ?1 AND id = ?2");
    private readonly SqliteStatement _epoch = connection.Prepare("SELECT epoch FROM epochs WHERE shard = ?1");
    private readonly SqliteStatement _putEpoch = connection.Prepare("INSERT OR REPLACE INTO epochs (shard, epoch) VALUES (?1, ?2)");
    private readonly SqliteStatement _dueRows = connection.Prepare("SELECT id, ends FROM rows WHERE sweep <= ?1 ORDER BY sweep LIMIT ?2");
    private readonly SqliteStatement _dueReceipts = connection.Prepare("SELECT rowid FROM receipts WHERE ends <= ?1 ORDER BY ends LIMIT ?2");

    /// <summary>Decides a commit and, if nothing speaks against it, writes it.</summary>
    public CommitResult Apply(Commit commit, long now)
    {
        var epoch = commit.Fence is { } fence ? Epoch(fence.Shard) : 0;
        if (epoch > commit.Fence?.Epoch) return new CommitResult.Fenced(epoch);

        var receiptPlace = 0L;
        if (commit.Receipt is { } receipt)
        {
            var there = _reader.ReadReceipt(new ReceiptKey(commit.Group, receipt.Id), now, out receiptPlace);
            var expected = receipt.ExpectedClaim is { } claim
                ? there is { Status: not ReceiptStatus.Recorded } && there.Claim == claim
                : there is null;
            if (!expected) return new CommitResult.AlreadyRecorded(there);
        }
        if (!TryFind(commit, now)) return Conflict(commit, now);

        if (epoch < commit.Fence?.Epoch) _putEpoch.Bind(1, commit.Fence.Value.Shard).Bind(2, commit.Fence.Value.Epoch).Run();
        for (var i = 0; i < commit.Rows.Count; i++) Write(commit.Turn, commit.Rows[i], _found[i].Place, now);
        if (commit.Receipt is { } written) Write(commit.Group, written, receiptPlace, now);
        foreach (var id in commit.EffectsDone) _removeEffect.Bind(1, commit.Group.Value).Bind(2, id).Run();
        foreach (var effect in commit.Effects)
            _putEffect.Bind(1, commit.Group.Value).Bind(2, effect.Id).Bind(3, effect.Name).Bind(4, End(effect.After, now)).Run(5, effect.Body.Span);
        return CommitResult.Committed;
    }

    /// <summary>Looks at most at <paramref name="limit"/> rows and receipts whose time may have come, and removes those whose time has.</summary>
    /// <returns>How many were looked at, and how many of them were removed.</returns>
    public (int Seen, int Removed) CleanUp(int limit, long now)
    {
        var rows = Collect(_dueRows.Bind(1, now).Bind(2, limit), static s => (Id: s.Int64(0), Ends: s.Int64OrNull(1)));
        var removed = 0;
        foreach (var (id, ends) in rows)
        {
            if (ends is { } end && end + s_tombstone <= now)
            {
                _clearJournal.Bind(1, id).Run();
                _removeRow.Bind(1, id).Run();
                removed++;
            }
            else _sweep.Bind(1, ends + s_tombstone).Bind(2, id).Run();
        }
        var receipts = Collect(_dueReceipts.Bind(1, now).Bind(2, limit - rows.Count), static s => s.Int64(0));
        foreach (var id in receipts) _removeReceipt.Bind(1, id).Run();
        return (rows.Count + receipts.Count, removed + receipts.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        foreach (var statement in (SqliteStatement[])
            [_insertRow, _updateRow, _deleteRow, _prolong, _sweep, _removeRow, _addEvent, _clearJournal, _insertReceipt, _updateReceipt,
             _removeReceipt, _putEffect, _removeEffect, _epoch, _putEpoch, _dueRows, _dueReceipts]) statement.Dispose();
    }

    /// <summary>Finds where the rows of a commit lie; false if one is not at the version that the commit expects.</summary>
    private bool TryFind(Commit commit, long now)
    {
        var rows = commit.Rows;
        if (_found.Length < rows.Count) Array.Resize(ref _found, rows.Count);
        _reader.Find(rows, _found.AsSpan(0, rows.Count), now);
        for (var i = 0; i < rows.Count; i++)
        {
            if (_found[i].Version == rows[i].Expected) continue;
            // A touch of a row that has moved on leaves it alone; it is never a conflict.
            if (rows[i].Change != RowChange.Touch) return false;
            _found[i].Place = default;
        }
        return true;
    }

    private CommitResult.Conflict Conflict(Commit commit, long now) => new(_reader.ReadRows([.. commit.Rows.Select(row => row.Key)], now));

    private void Write(TurnId turn, RowWrite row, RowPlace place, long now)
    {
        var version = row.After(turn);
        switch (row.Change)
        {
            case RowChange.Check or RowChange.Touch:
                if (row.TimeToLive is not { } life || !place.Lives) return;
                _prolong.Bind(1, End(life, now)).Bind(2, place.Id).Run();
                Schedule(place, End(life, now));
                return;
            case RowChange.Delete when place.Id == 0:
                Insert(row, version, now);
                return;
            case RowChange.Delete:
                _clearJournal.Bind(1, place.Id).Run();
                _deleteRow.Bind(1, version.Counter).Bind(2, version.Turn).Bind(3, now).Bind(4, place.Id).Run();
                Schedule(place, now);
                return;
        }
        var ends = row.TimeToLive is { } time ? End(time, now) : (long?)null;
        if (place.Id == 0) place = place with { Id = Insert(row, version, ends) };
        else
        {
            // What is written over a row that is gone begins a new journal.
            if (!place.Lives) _clearJournal.Bind(1, place.Id).Run();
            _updateRow.Bind(1, version.Counter).Bind(2, version.Turn).Bind(3, row.Schema).Bind(4, row.Sequence + row.Events.Count).Bind(5, ends).Bind(7, place.Id).Run(6, row.Body.Span);
            if (ends is { } end) Schedule(place, end);
        }
        for (var i = 0; i < row.Events.Count; i++)
            _addEvent.Bind(1, place.Id).Bind(2, row.Sequence + i + 1).Bind(3, turn).Bind(4, row.Schema).Run(5, row.Events[i].Span);
    }

    private long Insert(RowWrite row, StateVersion version, long? ends)
    {
        _insertRow.Bind(1, row.Key).Bind(4, version.Counter).Bind(5, version.Turn).Bind(6, row.Schema).Bind(7, row.Sequence + row.Events.Count)
            .Bind(8, ends).Bind(9, ends + s_tombstone);
        if (row.Change == RowChange.Delete) _insertRow.Bind(10, (long?)null).Run();
        else _insertRow.Run(10, row.Body.Span);
        return connection.LastInsertedId;
    }

    /// <summary>Sees that clean-up looks at a row when it may be removed, or earlier.</summary>
    private void Schedule(RowPlace place, long ends)
    {
        if (!(place.Sweep <= ends + s_tombstone)) _sweep.Bind(1, ends + s_tombstone).Bind(2, place.Id).Run();
    }

    private void Write(Group group, ReceiptWrite receipt, long place, long now)
    {
        var (lease, ends) = (End(receipt.Lease, now), End(receipt.TimeToLive, now));
        if (place == 0)
        {
            _insertReceipt.Bind(1, group.Value).Bind(2, receipt.Id).Bind(3, (long)receipt.Status).Bind(4, receipt.Fingerprint).Bind(5, receipt.Claim)
                .Bind(6, lease).Bind(7, ends).Run(8, receipt.Body.Span);
            return;
        }
        _updateReceipt.Bind(1, (long)receipt.Status).Bind(2, receipt.Fingerprint).Bind(3, receipt.Claim).Bind(4, lease).Bind(5, ends).Bind(7, place)
            .Run(6, receipt.Body.Span);
    }

    private long Epoch(int shard)
    {
        try
        {
            return _epoch.Bind(1, shard).Step() ? _epoch.Int64(0) : 0;
        }
        finally
        {
            _epoch.Reset();
        }
    }

    private static List<T> Collect<T>(SqliteStatement bound, Func<SqliteStatement, T> read)
    {
        try
        {
            var found = new List<T>();
            while (bound.Step()) found.Add(read(bound));
            return found;
        }
        finally
        {
            bound.Reset();
        }
    }

    private static long End(TimeSpan life, long now) => now + (long)life.TotalMilliseconds;
}
