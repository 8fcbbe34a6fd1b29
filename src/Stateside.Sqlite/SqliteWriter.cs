using System.Diagnostics.CodeAnalysis;
using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>
/// The one writer of a store: a thread that takes whatever is waiting, writes it as one transaction, and answers
/// everybody once that is on disk. The wait for the disk is shared by all who come meanwhile.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The store disposes the connections, after the readers are gone, so that the last one to close tidies the log away.")]
internal sealed class SqliteWriter
{
    /// <summary>Most commits that wait. The engine admits fewer turns than that; this holds for whoever else calls.</summary>
    public const int MaxWaiting = 4096;

    /// <summary>Most bytes of bodies that wait. A single commit may be larger.</summary>
    public const long MaxWaitingBytes = 64 * 1024 * 1024;

    /// <summary>Most commits in one transaction, so that nobody waits long for those who came with him.</summary>
    private const int MaxBatch = 512;

    /// <summary>The log is copied into the database each time it has grown by so many pages: 4 MB, SQLite's own measure.</summary>
    private const int CheckpointPages = 1000;

    private readonly SqliteConnection _connection;
    private readonly SqliteConnection _checkpointer;
    private readonly SqliteTables _tables;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _rollback;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Random _random = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly object _gate = new();
    private List<SqliteWork> _waiting = [];
    private long _waitingBytes;
    private bool _stopping;
    private StoreException? _lockedOut;
    private int _checkpointAt = CheckpointPages;
    private int _walPages;

    /// <param name="connection">The connection that writes.</param>
    /// <param name="checkpointer">The connection that copies the log into the database.</param>
    /// <param name="cache">Rows that need not be copied again.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="time">The store's clock.</param>
    public SqliteWriter(SqliteConnection connection, SqliteConnection checkpointer, RowCache cache, string path, TimeProvider time)
    {
        (_connection, _checkpointer, _path, _time) = (connection, checkpointer, path, time);
        _tables = new SqliteTables(connection, cache);
        _begin = connection.Prepare("BEGIN IMMEDIATE");
        _commit = connection.Prepare("COMMIT");
        _rollback = connection.Prepare("ROLLBACK");
        connection.CountWalPages();
        new Thread(Run) { IsBackground = true, Name = "Stateside SQLite writer" }.Start();
    }

    /// <summary>Queues work; its task ends when the work is on disk or has failed.</summary>
    /// <exception cref="StoreException">The store is closed, or too much is waiting.</exception>
    public void Enqueue(SqliteWork work)
    {
        lock (_gate)
        {
            if (_stopping) throw SqliteFailure.Closed();
            if (_waiting.Count >= MaxWaiting || _waitingBytes > 0 && _waitingBytes + work.Bytes > MaxWaitingBytes) throw SqliteFailure.Overloaded(MaxWaiting);
            _waiting.Add(work);
            _waitingBytes += work.Bytes;
            if (_waiting.Count == 1) Monitor.Pulse(_gate);
        }
    }

    /// <summary>Refuses new work, finishes what is queued, and ends the thread.</summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }
        return _stopped.Task;
    }

    private void Run()
    {
        var taken = new List<SqliteWork>();
        while (TakeAll(ref taken))
        {
            _lockedOut = null;
            for (var at = 0; at < taken.Count; at += MaxBatch) Process(taken.GetRange(at, Math.Min(MaxBatch, taken.Count - at)));
            taken.Clear();
            if (IsCheckpointDue()) Checkpoint();
        }
        Checkpoint();
        _tables.Dispose();
        foreach (var statement in (SqliteStatement[])[_begin, _commit, _rollback]) statement.Dispose();
        _stopped.SetResult();
    }

    /// <summary>Waits for work; false when there is none and none will come.</summary>
    private bool TakeAll(ref List<SqliteWork> emptied)
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && !_stopping) Monitor.Wait(_gate);
            (emptied, _waiting) = (_waiting, emptied);
            _waitingBytes = 0;
            return emptied.Count > 0;
        }
    }

    /// <summary>One transaction for all. If it fails, one for each, so that nobody fails for another's sake.</summary>
    private void Process(List<SqliteWork> batch)
    {
        var failure = _lockedOut;
        if (failure is null && TryWrite(batch, out failure))
        {
            foreach (var work in batch) work.Complete();
            return;
        }
        // Who waited in the queue while the lock could not be had has waited as long, and need not wait again.
        if (failure.InnerException is SqliteException { IsBusy: true }) _lockedOut = failure;
        if (batch.Count == 1 || failure.Applied != Applied.No || failure == _lockedOut)
        {
            foreach (var work in batch) work.Fail(failure);
            return;
        }
        foreach (var work in batch) Process([work]);
    }

    [SuppressMessage("Design", "CA1031", Justification = "The writer must outlive whatever a single commit brings; the caller gets the exception.")]
    private bool TryWrite(List<SqliteWork> batch, [NotNullWhen(false)] out StoreException? failure)
    {
        var committing = false;
        try
        {
            RunPatiently(_begin);
            foreach (var work in batch) work.Apply(_tables, _time);
            committing = true;
            RunPatiently(_commit);
            failure = null;
            return true;
        }
        catch (SqliteException e)
        {
            // The record of the commit may have reached the log before the disk failed, and would be found there after a
            // crash. Of every other failure it is known that it has not.
            failure = SqliteFailure.Of(e, _path, committing && e.Code == ResultCode.IoError ? Applied.Unknown : Applied.No);
        }
        catch (Exception e)
        {
            failure = new StoreException("The commit could not be written; nothing of it was.", Applied.No, e);
        }
        RollBack();
        return false;
    }

    private void RunPatiently(SqliteStatement statement)
    {
        for (var backoff = new Backoff(_random); ;)
        {
            try
            {
                statement.Run();
                return;
            }
            catch (SqliteException e) when (e.IsBusy)
            {
                if (!backoff.Wait()) throw;
            }
        }
    }

    private void RollBack()
    {
        try
        {
            if (!_connection.IsAutoCommit) _rollback.Run();
        }
        catch (SqliteException)
        {
            // SQLite rolls back by itself after the errors that make ROLLBACK fail; the next BEGIN shows if it did not.
        }
    }

    private bool IsCheckpointDue()
    {
        var pages = _connection.WalPages;
        // Fewer than before: the log has begun anew.
        if (pages < _walPages) _checkpointAt = CheckpointPages;
        _walPages = pages;
        return pages >= _checkpointAt;
    }

    /// <summary>
    /// Copies the log into the database. It does so while it holds the write lock, because before version 3.51.3 SQLite could
    /// damage the file if another process began the log anew during a checkpoint; and SQLite's own checkpoint only tries for
    /// that lock. After the answers have been given, so that no caller waits for it.
    /// </summary>
    private void Checkpoint()
    {
        try
        {
            RunPatiently(_begin);
            _checkpointer.Checkpoint();
        }
        catch (SqliteException)
        {
            // The log stays as it is and grows until the next attempt; commits do not depend on it.
        }
        RollBack();
        _checkpointAt = _connection.WalPages + CheckpointPages;
    }
}
