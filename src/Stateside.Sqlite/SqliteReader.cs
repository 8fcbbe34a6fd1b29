using System.Globalization;
using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>The reading statements on one connection. Every read is over, its transaction included, when its method returns.</summary>
/// <param name="connection">The connection.</param>
/// <param name="cache">Rows that need not be copied again.</param>
/// <param name="keeps">Whether rows are put into <paramref name="cache"/>. Not by the writer: what it reads inside its transaction may yet be rolled back.</param>
internal sealed class SqliteReader(SqliteConnection connection, RowCache cache, bool keeps) : IDisposable
{
    private readonly SqliteStatement _begin = connection.Prepare("BEGIN");
    private readonly SqliteStatement _end = connection.Prepare("COMMIT");
    private readonly SqliteStatement?[] _rows = new SqliteStatement?[MaxRowsAtOnce + 1];
    private readonly SqliteStatement _receipt = connection.Prepare(
        "SELECT status, fingerprint, claim, lease, body, ends, rowid FROM receipts WHERE grp = ?1 AND id = ?2");
    private readonly SqliteStatement _list = connection.Prepare(
        "SELECT name, item FROM rows WHERE grp = ?1 AND body IS NOT NULL AND (ends IS NULL OR ends > ?2) ORDER BY name, item LIMIT ?3");
    private readonly SqliteStatement _journal = connection.Prepare("""
        SELECT j.seq, j.turn, j.shape, j.body FROM rows r JOIN journal j ON j.row_id = r.id
        WHERE r.grp = ?1 AND r.name = ?2 AND r.item = ?3 AND r.body IS NOT NULL AND (r.ends IS NULL OR r.ends > ?4) AND j.seq > ?5
        ORDER BY j.seq LIMIT ?6
        """);
    private readonly SqliteStatement _due = connection.Prepare("SELECT grp, id, name, body FROM effects WHERE due <= ?1 ORDER BY due, grp, id LIMIT ?2");
    private readonly Random _random = new();

    /// <summary>Most rows that one statement reads: a session, and a few of its states.</summary>
    private const int MaxRowsAtOnce = 4;

    /// <summary>Everything a load asks for, as of one moment.</summary>
    public LoadResult Load(LoadRequest request, long now)
    {
        // One statement is its own transaction; several need one around them to see one moment.
        var many = request.Keys.Count > MaxRowsAtOnce || request.Keys.Count > 0 && request.Receipt is not null;
        for (var backoff = new Backoff(_random); ;)
        {
            try
            {
                if (many) _begin.Run();
                return new LoadResult(ReadRows(request.Keys, now), request.Receipt is { } key ? ReadReceipt(key, now) : null);
            }
            catch (SqliteException e) when (e.IsBusy)
            {
                // Another process repairs the log after a crash, or closes the file as its last user: a matter of moments.
                if (!backoff.Wait()) throw;
            }
            finally
            {
                if (many && !connection.IsAutoCommit) _end.Run();
            }
        }
    }

    public IReadOnlyList<StateKey> List(Group group, int limit, long now) => ReadAll(
        _list.Bind(1, group.Value).Bind(2, now).Bind(3, Math.Max(0, limit)),
        s => new StateKey(group, s.Text(0), s.Text(1)));

    public IReadOnlyList<JournalEvent> Journal(StateKey key, long after, int limit, long now) => ReadAll(
        _journal.Bind(1, key).Bind(4, now).Bind(5, after).Bind(6, Math.Max(0, limit)),
        s => new JournalEvent(s.Int64(0), s.Turn(1), (int)s.Int64(2), s.Bytes(3).ToArray()));

    public IReadOnlyList<DueEffect> Due(int limit, long now) => ReadAll(
        _due.Bind(1, now).Bind(2, Math.Max(0, limit)),
        s => new DueEffect(Group.Parse(s.Text(0)), s.Text(1), s.Text(2), s.Bytes(3).ToArray()));

    /// <summary>The version of each row of a commit, and where it lies, without its body.</summary>
    public void Find(IReadOnlyList<RowWrite> rows, Span<(StateVersion Version, RowPlace Place)> found, long now)
    {
        found.Clear();
        for (var from = 0; from < rows.Count; from += MaxRowsAtOnce)
        {
            var count = Math.Min(MaxRowsAtOnce, rows.Count - from);
            var read = Rows(count);
            try
            {
                for (var i = 0; i < count; i++) read.Bind(1 + 3 * i, rows[from + i].Key);
                while (read.Step())
                    found[from + (int)read.Int64(0)] = (new StateVersion(read.Int64(1), read.Turn(2)), new RowPlace(read.Int64(7), Lives(read, now), read.Int64OrNull(8)));
            }
            finally
            {
                read.Reset();
            }
        }
    }

    /// <summary>The rows with these keys, in their order; an absent one with the version it had.</summary>
    public Row[] ReadRows(IReadOnlyList<StateKey> keys, long now)
    {
        var rows = keys.Count == 0 ? [] : new Row[keys.Count];
        for (var from = 0; from < rows.Length; from += MaxRowsAtOnce)
        {
            var count = Math.Min(MaxRowsAtOnce, rows.Length - from);
            var read = Rows(count);
            try
            {
                for (var i = 0; i < count; i++) read.Bind(1 + 3 * i, keys[from + i]);
                while (read.Step())
                {
                    var at = from + (int)read.Int64(0);
                    rows[at] = ReadRow(read, keys[at], now);
                }
            }
            finally
            {
                read.Reset();
            }
        }
        for (var i = 0; i < rows.Length; i++) rows[i] ??= Row.Absent(keys[i]);
        return rows;
    }

    /// <summary>One receipt, if it has not expired; <paramref name="place"/> is its row id, or 0 if there is none, and that also of one that has.</summary>
    public ReceiptRow? ReadReceipt(ReceiptKey key, long now, out long place)
    {
        try
        {
            place = 0;
            if (!_receipt.Bind(1, key.Group.Value).Bind(2, key.Id).Step()) return null;
            place = _receipt.Int64(6);
            if (_receipt.Int64(5) <= now) return null;
            var lease = TimeSpan.FromMilliseconds(Math.Max(0, _receipt.Int64(3) - now));
            return new ReceiptRow(key.Id, (ReceiptStatus)_receipt.Int64(0), _receipt.Hash(1), _receipt.Turn(2), lease, _receipt.Bytes(4).ToArray());
        }
        finally
        {
            _receipt.Reset();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var statement in (SqliteStatement[])[_begin, _end, _receipt, _list, _journal, _due]) statement.Dispose();
        foreach (var statement in _rows) statement?.Dispose();
    }

    private Row ReadRow(SqliteStatement read, StateKey key, long now)
    {
        var version = new StateVersion(read.Int64(1), read.Turn(2));
        if (!Lives(read, now)) return Row.Absent(key, version);
        var remaining = read.Int64OrNull(5) is { } end ? TimeSpan.FromMilliseconds(end - now) : (TimeSpan?)null;
        if (cache.Find(key, version) is { } known) return known.WithRemaining(remaining);
        var row = new Row(key, version, (int)read.Int64(3), read.Int64(4), read.Bytes(6).ToArray(), remaining);
        if (keeps) cache.Keep(row);
        return row;
    }

    private static bool Lives(SqliteStatement read, long now) => !read.IsNull(6) && !(read.Int64OrNull(5) <= now);

    /// <summary>The statement that reads so many rows, each with its place among the keys in front.</summary>
    private SqliteStatement Rows(int count) => _rows[count] ??= connection.Prepare(string.Join(" UNION ALL ", Enumerable.Range(0, count).Select(i => string.Create(
        CultureInfo.InvariantCulture,
        $"SELECT {i}, counter, turn, shape, seq, ends, body, id, sweep FROM rows WHERE grp = ?{1 + 3 * i} AND name = ?{2 + 3 * i} AND item = ?{3 + 3 * i}"))));

    private ReceiptRow? ReadReceipt(ReceiptKey key, long now) => ReadReceipt(key, now, out _);

    private T[] ReadAll<T>(SqliteStatement bound, Func<SqliteStatement, T> read)
    {
        var found = new List<T>();
        for (var backoff = new Backoff(_random); ;)
        {
            try
            {
                while (bound.Step()) found.Add(read(bound));
                return [.. found];
            }
            catch (SqliteException e) when (e.IsBusy)
            {
                found.Clear();
                if (!backoff.Wait()) throw;
            }
            finally
            {
                bound.Reset();
            }
        }
    }
}

/// <summary>Where a row lies.</summary>
/// <param name="Id">Its row id; 0 if there is none.</param>
/// <param name="Lives">False if it was deleted or has expired.</param>
/// <param name="Sweep">When clean-up next looks at it.</param>
internal readonly record struct RowPlace(long Id, bool Lives, long? Sweep);
