using System.Globalization;
using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>The embedded store: one SQLite file in WAL mode, one writing thread, a few reading connections.</summary>
internal sealed class SqliteStore(SqliteUrl url, TimeProvider time) : IStore
{
    /// <summary>Most rows that clean-up looks at in one transaction, so that it never holds the writer for long.</summary>
    private const int CleanUpStep = 256;

    private readonly RowCache _cache = new();
    private SqliteConnection? _writing;
    private SqliteConnection? _checkpointing;
    private SqliteWriter? _writer;
    private SqliteReaderPool? _readers;

    /// <inheritdoc/>
    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken)
    {
        Sqlite3.EnsureUsable();
        var fileSystem = PrepareDirectory();
        try
        {
            SqliteSchema.Inspect(url.Path);
            _writing = Open(Sqlite3.OpenCreate);
            SwitchToLog(_writing);
            SqliteSchema.Migrate(_writing, url.Path);
            _writing.RefuseToWait();
            _checkpointing = Open();
            _checkpointing.RefuseToWait();
            var capabilities = SqliteFacts.Of(_writing, url.Path, fileSystem);
            _readers = new SqliteReaderPool(OpenReader, _cache);
            _writer = new SqliteWriter(_writing, _checkpointing, _cache, url.Path, time);
            return new(capabilities);
        }
        catch (Exception e)
        {
            _checkpointing?.Dispose();
            _writing?.Dispose();
            if (e is SqliteException sqlite) throw SqliteFailure.Of(sqlite, url.Path);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return ReadAsync(request, static (reader, asked, now) => reader.Load(asked, now), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        commit.EnsureFits(SqliteFacts.MaxBodyBytes);
        var work = new CommitWork(commit, _cache);
        Writer.Enqueue(work);
        return new(work.Task);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) =>
        ReadAsync((group, limit), static (reader, asked, now) => reader.List(asked.group, asked.limit, now), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        ReadAsync((key, after, limit), static (reader, asked, now) => reader.Journal(asked.key, asked.after, asked.limit, now), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) =>
        ReadAsync(limit, static (reader, asked, now) => reader.Due(asked, now), cancellationToken);

    /// <inheritdoc/>
    public void Watch(IStoreWatcher watcher)
    {
        // SQLite tells of no change that another process makes, and half the changes are worse than none.
    }

    /// <inheritdoc/>
    public async ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken)
    {
        var total = 0;
        while (total < limit)
        {
            var step = Math.Min(limit - total, CleanUpStep);
            var work = new CleanUpWork(step);
            Writer.Enqueue(work);
            var (seen, removed) = await work.Task;
            total += removed;
            if (seen < step) break;
        }
        return total;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_writer is not null) await _writer.StopAsync();
        if (_readers is not null) await _readers.DisposeAsync();
        _checkpointing?.Dispose();
        _writing?.Dispose();
    }

    /// <summary>The connection that writes; whoever uses it while a commit is on its way disturbs that.</summary>
    internal SqliteConnection? Writing => _writing;

    private SqliteWriter Writer => _writer ?? throw SqliteFailure.Closed();

    private async ValueTask<T> ReadAsync<TAsked, T>(TAsked asked, Func<SqliteReader, TAsked, long, T> read, CancellationToken cancellationToken)
    {
        var readers = _readers ?? throw SqliteFailure.Closed();
        try
        {
            var reader = await readers.RentAsync(cancellationToken);
            try
            {
                return read(reader.Statements, asked, time.GetUtcNow().ToUnixTimeMilliseconds());
            }
            finally
            {
                readers.Return(reader);
            }
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.Of(e, url.Path);
        }
    }

    private string PrepareDirectory()
    {
        var directory = Path.GetDirectoryName(url.Path)!;
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"The directory {directory} for the SQLite file cannot be created. Give the process write access to it, or name another path: sqlite:PATH.", Applied.No, e);
        }
        return LocalDisk.Check(directory);
    }

    private SqliteConnection OpenReader()
    {
        var connection = Open();
        connection.RefuseToWait();
        return connection;
    }

    private SqliteConnection Open(int create = 0)
    {
        var connection = new SqliteConnection(url.Path, Sqlite3.OpenReadWrite | create);
        try
        {
            // SQLite opens for reading what it may not write, and would find out later, with a less helpful answer.
            if (connection.IsReadOnly) throw new SqliteException(ResultCode.ReadOnly, "The file was opened for reading only.");
            // A file that somebody else prepared must not make its own functions run; on macOS only a full fsync reaches the disk.
            foreach (var pragma in (string[])["trusted_schema = OFF", $"synchronous = {(url.IsFull ? "FULL" : "NORMAL")}", "fullfsync = ON", "wal_autocheckpoint = 0", "journal_size_limit = 67108864"])
                connection.Execute("PRAGMA " + pragma);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Several processes may switch a new file at once, and SQLite answers some of them "busy" without waiting.</summary>
    private static void SwitchToLog(SqliteConnection connection)
    {
        for (var backoff = new Backoff(new Random()); ;)
        {
            try
            {
                var mode = connection.Text("PRAGMA journal_mode = WAL");
                if (mode != "wal") throw new SqliteException(ResultCode.IoError, string.Create(CultureInfo.InvariantCulture, $"journal_mode stays {mode}"));
                return;
            }
            catch (SqliteException e) when (e.IsBusy)
            {
                if (!backoff.Wait()) throw;
            }
        }
    }
}
