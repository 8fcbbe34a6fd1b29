using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>A commit that waits for its trip.</summary>
internal sealed class CommitWork(Commit commit) : Work<CommitResult>
{
    public Commit Commit => commit;

    public CommitParts Parts { get; } = CommitColumns.PartsOf(commit);

    public override long Bytes { get; } = Size(commit);

    private static long Size(Commit commit)
    {
        var bytes = (long)(commit.Receipt?.Body.Length ?? 0);
        foreach (var row in commit.Rows)
        {
            bytes += row.Body.Length;
            foreach (var e in row.Events) bytes += e.Length;
        }
        foreach (var effect in commit.Effects) bytes += effect.Body.Length;
        return bytes;
    }
}

/// <summary>
/// Sends the commits that wait as one transaction and one round trip: locks on all their groups, in one order for all processes; then one
/// statement, which sees what is there once the locks are held, decides each commit by itself and writes those that hold.
/// </summary>
internal sealed class Committer(NpgsqlDataSource source, Statements statements, RowCache cache, bool notify, TripFailures failures, ILogger log) : Batcher<CommitWork, CommitResult>(MostTrips)
{
    /// <summary>One: while it waits for the disk the next batch grows.</summary>
    private const int MostTrips = 1;

    /// <summary>Most commits in one transaction; each takes a lock or two of the server's table, which has room for 6,400 by default.</summary>
    private const int MostCommits = 256;

    private const long MostBytes = 32 * 1024 * 1024;

    private readonly HashSet<Group> _groups = [];
    private readonly Dictionary<int, long> _epochs = [];

    /// <summary>Commits to one group, and those under different epochs of one shard, must see each other: one of them waits for the next trip.</summary>
    protected override void Take(List<CommitWork> waiting, List<CommitWork> batch)
    {
        _groups.Clear();
        _epochs.Clear();
        var (kept, bytes) = (0, 0L);
        for (var i = 0; i < waiting.Count; i++)
        {
            var work = waiting[i];
            var fits = batch.Count < MostCommits && (batch.Count == 0 || bytes + work.Bytes <= MostBytes);
            // One that stays behind keeps its place before later ones of its group.
            if (_groups.Add(work.Commit.Group) && fits && Agrees(work.Commit.Fence))
            {
                batch.Add(work);
                bytes += work.Bytes;
            }
            else waiting[kept++] = work;
        }
        waiting.RemoveRange(kept, waiting.Count - kept);
    }

    protected override Trip CreateTrip() => new CommitTrip(source, statements, cache, notify, failures, log);

    private bool Agrees(Fence? fence) => fence is not { } f || (_epochs.TryAdd(f.Shard, f.Epoch) || _epochs[f.Shard] == f.Epoch);

    private sealed class CommitTrip(NpgsqlDataSource source, Statements statements, RowCache cache, bool notify, TripFailures failures, ILogger log) : Trip
    {
        /// <summary>How often commits are tried that PostgreSQL rolled back only because another transaction was in the way.</summary>
        private const int MostTries = 4;

        private readonly Session _session = new(source);
        private readonly Dictionary<CommitParts, PreparedCommit> _prepared = [];
        private bool _isWatched;

        public override async Task RunAsync() => await RunAsync(Batch, MostTries);

        public override ValueTask DisposeAsync() => _session.CloseAsync();

        [SuppressMessage("Design", "CA1031", Justification = "The callers get the exception.")]
        private async Task RunAsync(List<CommitWork> batch, int tries)
        {
            var sent = false;
            try
            {
                if (await _session.OpenAsync())
                {
                    _prepared.Clear();
                    cache.Clear();
                }
                var prepared = await PrepareAsync(batch);
                prepared.Fill(batch, statements.Schema, notify, _isWatched);
                _session.WasWarned = false;
                sent = true;
                var results = await prepared.ExecuteAsync(batch);
                _isWatched = prepared.IsWatched;
                if (_session.WasWarned) FailUnreplicated(batch, results);
                for (var i = 0; i < batch.Count; i++)
                {
                    if (results[i] == CommitResult.Committed && !_session.WasWarned) cache.Keep(batch[i].Commit);
                    batch[i].Complete(results[i]);
                }
            }
            catch (PostgresException e) when (e.InvariantSeverity == "ERROR")
            {
                await RetryAsync(batch, e, tries);
            }
            catch (Exception e)
            {
                // Once it was sent the server may have committed before the connection broke.
                var applied = sent ? Applied.Unknown : Applied.No;
                failures.Tell(PostgresFailure.State(e));
                if (sent) log.OutcomeUnknown(batch.Count);
                await _session.CloseAsync();
                if (sent) await _session.EndLostAsync();
                Fail(batch, PostgresFailure.Of(e, applied));
            }
        }

        /// <summary>The server answered with an error, so it has rolled back: what failed for the sake of one is tried one by one.</summary>
        private async Task RetryAsync(List<CommitWork> batch, PostgresException e, int tries)
        {
            var isInTheWay = e.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure;
            if (isInTheWay && tries > 1)
            {
                await RunAsync(batch, tries - 1);
                return;
            }
            if (batch.Count == 1 || isInTheWay || PostgresFailure.IsServerWide(e))
            {
                failures.Tell(e.SqlState);
                // A server that takes no writes any more has been replaced by another, and a new connection finds that.
                if (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction) source.Clear();
                if (PostgresFailure.IsServerWide(e)) await _session.CloseAsync();
                Fail(batch, PostgresFailure.Of(e, Applied.No));
                return;
            }
            log.BatchSplit(batch.Count, e.SqlState);
            foreach (var work in batch) await RunAsync([work], tries);
        }

        private async Task<PreparedCommit> PrepareAsync(List<CommitWork> batch)
        {
            var parts = CommitParts.None;
            foreach (var work in batch) parts |= work.Parts;
            if (_prepared.TryGetValue(parts, out var prepared)) return prepared;
            prepared = new PreparedCommit(_session.Connection!, statements, cache, parts, notify);
            await prepared.PrepareAsync();
            _prepared.Add(parts, prepared);
            return prepared;
        }

        private void FailUnreplicated(List<CommitWork> batch, CommitResult[] results)
        {
            log.NotReplicated(batch.Count);
            for (var i = 0; i < batch.Count; i++)
                if (results[i] == CommitResult.Committed) batch[i].Fail(PostgresFailure.NotReplicated());
        }

        private static void Fail(List<CommitWork> batch, StoreException e)
        {
            foreach (var work in batch) work.Fail(e);
        }
    }
}

/// <summary>The statements of one trip for batches of one kind, prepared on one connection.</summary>
[SuppressMessage("Design", "CA1001", Justification = "What is prepared goes with its connection.")]
internal sealed class PreparedCommit
{
    private readonly NpgsqlBatch _batch;
    private readonly List<long> _locks;
    private readonly CommitColumns _columns;
    private readonly NpgsqlParameter<string>? _payload;
    private readonly string _writer;
    private readonly RowCache _cache;
    private readonly List<(int Commit, int Row)> _owners = [];

    public PreparedCommit(NpgsqlConnection connection, Statements statements, RowCache cache, CommitParts parts, bool notify)
    {
        _cache = cache;
        _batch = new NpgsqlBatch(connection);
        _writer = statements.Self.ToString();
        var locking = new NpgsqlBatchCommand(Statements.Lock);
        _locks = new Columns(locking.Parameters).Longs();
        var writing = new NpgsqlBatchCommand(statements.Commit(parts));
        _columns = new CommitColumns(writing.Parameters, parts);
        _batch.BatchCommands.Add(locking);
        _batch.BatchCommands.Add(writing);
        if (!notify) return;
        var telling = new NpgsqlBatchCommand(statements.Notify);
        telling.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Changes.Channel(statements.Schema), NpgsqlDbType = NpgsqlDbType.Text });
        telling.Parameters.Add(_payload = new NpgsqlParameter<string> { TypedValue = "", NpgsqlDbType = NpgsqlDbType.Text });
        telling.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Wire.Guid(statements.Self), NpgsqlDbType = NpgsqlDbType.Uuid });
        _batch.BatchCommands.Add(telling);
    }

    /// <summary>Whether somebody watched when the last batch was written.</summary>
    public bool IsWatched { get; private set; }

    public Task PrepareAsync() => _batch.PrepareAsync();

    public void Fill(List<CommitWork> batch, string schema, bool notify, bool isWatched)
    {
        _locks.Clear();
        _columns.Clear();
        _owners.Clear();
        for (var c = 0; c < batch.Count; c++)
        {
            var commit = batch[c].Commit;
            _columns.Add(c, commit);
            _locks.Add(LockKey.Of(schema, commit.Group.Value));
            if (commit.Fence is { } fence) _locks.Add(LockKey.Of(schema, Statements.ShardLock(fence.Shard)));
            for (var r = 0; r < commit.Rows.Count; r++) _owners.Add((c, r));
        }
        _locks.Sort();
        if (notify) _payload!.TypedValue = isWatched ? Changes.Write(_writer, batch) : Changes.Any(_writer);
    }

    public async Task<CommitResult[]> ExecuteAsync(List<CommitWork> batch)
    {
        var results = new CommitResult[batch.Count];
        Array.Fill(results, CommitResult.Committed);
        await using (var reader = await _batch.ExecuteReaderAsync())
        {
            await reader.NextResultAsync();
            while (await reader.ReadAsync()) Read(reader, batch, results);
            IsWatched = _payload is not null && await reader.NextResultAsync() && await reader.ReadAsync();
            // An error of the transaction's end comes after the last result, so the reader is read to its end.
            while (await reader.NextResultAsync()) { }
        }
        _columns.Clear();
        return results;
    }

    private void Read(NpgsqlDataReader reader, List<CommitWork> batch, CommitResult[] results)
    {
        var c = reader.GetInt32(0);
        var commit = batch[c].Commit;
        switch (reader.GetInt32(1))
        {
            case 1:
                results[c] = new CommitResult.Fenced(reader.GetInt64(2));
                return;
            case 2:
                results[c] = new CommitResult.AlreadyRecorded(Wire.Receipt(reader, 4, commit.Receipt!.Id));
                return;
            default:
                if (results[c] is not CommitResult.Conflict conflict) results[c] = conflict = new CommitResult.Conflict(new Row[commit.Rows.Count]);
                var row = _owners[(int)reader.GetInt64(3) - 1].Row;
                ((Row[])conflict.Rows)[row] = Wire.Row(reader, 4, commit.Rows[row].Key, _cache);
                return;
        }
    }
}
