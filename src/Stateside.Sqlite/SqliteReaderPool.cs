using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>
/// A bounded number of reading connections, opened when they are first needed. A read takes microseconds and runs on the
/// thread of its caller; only when all connections are reading does a caller wait for one.
/// </summary>
internal sealed class SqliteReaderPool(Func<SqliteConnection> open, RowCache cache) : IAsyncDisposable
{
    /// <summary>More than there are processors, because a read that misses all caches waits for the disk.</summary>
    private static readonly int s_most = Math.Clamp(2 * Environment.ProcessorCount, 4, 32);

    private readonly SemaphoreSlim _permits = new(s_most);
    private readonly Reader?[] _idle = new Reader?[s_most];
    private bool _closed;

    /// <summary>Lends a reader to one caller, who gives it back.</summary>
    /// <exception cref="StoreException">The store is closed.</exception>
    public ValueTask<Reader> RentAsync(CancellationToken cancellationToken) =>
        _permits.Wait(0, CancellationToken.None) ? new(Take()) : WaitAsync(cancellationToken);

    public void Return(Reader reader)
    {
        // Who took his permit while another gave his reader back may have missed it and opened one too many.
        if (!TryKeep(reader)) reader.Dispose();
        _permits.Release();
    }

    /// <summary>Waits for the reads that are running, and closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < s_most; i++) await _permits.WaitAsync();
        _closed = true;
        foreach (var reader in _idle) reader?.Dispose();
        // Who still waits finds the pool closed.
        _permits.Release(s_most);
    }

    private async ValueTask<Reader> WaitAsync(CancellationToken cancellationToken)
    {
        await _permits.WaitAsync(cancellationToken);
        return Take();
    }

    private bool TryKeep(Reader reader)
    {
        for (var i = 0; i < _idle.Length; i++)
            if (Interlocked.CompareExchange(ref _idle[i], reader, null) is null) return true;
        return false;
    }

    private Reader Take()
    {
        try
        {
            if (_closed) throw SqliteFailure.Closed();
            for (var i = 0; i < _idle.Length; i++)
                if (Volatile.Read(ref _idle[i]) is not null && Interlocked.Exchange(ref _idle[i], null) is { } reader) return reader;
            return new Reader(open(), cache);
        }
        catch
        {
            _permits.Release();
            throw;
        }
    }

    /// <summary>A connection with its statements.</summary>
    internal sealed class Reader(SqliteConnection connection, RowCache cache) : IDisposable
    {
        public SqliteReader Statements { get; } = new(connection, cache, keeps: true);

        /// <inheritdoc/>
        public void Dispose()
        {
            Statements.Dispose();
            connection.Dispose();
        }
    }
}
