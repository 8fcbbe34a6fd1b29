using System.Diagnostics.CodeAnalysis;
using Npgsql;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>Something that waits to travel, and the caller who waits for it.</summary>
internal abstract class Work<T>
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _done.Task;

    /// <summary>Bytes of bodies that it holds on to while it waits.</summary>
    public abstract long Bytes { get; }

    public void Complete(T result) => _done.TrySetResult(result);

    public void Fail(Exception e) => _done.TrySetException(e);
}

/// <summary>
/// Collects what callers bring while a trip is under way and sends it with the next, so that the costs of a trip are shared by all who wait.
/// A caller who finds no trip under way begins one at once.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The trips end in StopAsync, which disposes of their connections.")]
internal abstract class Batcher<TWork, TResult>(int mostTrips) where TWork : Work<TResult>
{
    /// <summary>Most that waits. The engine admits fewer turns than that; this holds for whoever else calls.</summary>
    private const int MostWaiting = 4096;

    /// <summary>Most bytes of bodies that wait. A single one may be larger.</summary>
    private const long MostWaitingBytes = 64 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly List<TWork> _waiting = [];
    private readonly Stack<Trip> _idle = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytes;
    private int _running;
    private bool _stopping;

    /// <summary>One connection and what is prepared on it; used by one trip at a time.</summary>
    protected abstract class Trip : IAsyncDisposable
    {
        public List<TWork> Batch { get; } = [];

        /// <summary>Sends the batch and answers everybody in it. Throws nothing.</summary>
        public abstract Task RunAsync();

        public abstract ValueTask DisposeAsync();
    }

    /// <exception cref="StoreException">The store is closed, or too much is waiting.</exception>
    public void Enqueue(TWork work)
    {
        Trip trip;
        lock (_gate)
        {
            if (_stopping) throw PostgresFailure.Closed();
            if (_waiting.Count >= MostWaiting || _bytes > 0 && _bytes + work.Bytes > MostWaitingBytes) throw PostgresFailure.Overloaded(MostWaiting);
            _waiting.Add(work);
            _bytes += work.Bytes;
            if (_running == mostTrips) return;
            _running++;
            trip = _idle.TryPop(out var idle) ? idle : CreateTrip();
        }
        // The trip serves others after this caller, and carries nothing of his context with it.
        if (ExecutionContext.IsFlowSuppressed()) _ = RunAsync(trip);
        else
            using (ExecutionContext.SuppressFlow()) _ = RunAsync(trip);
    }

    /// <summary>Refuses new work, finishes what waits, and closes the connections.</summary>
    public async Task StopAsync()
    {
        lock (_gate)
        {
            _stopping = true;
            if (_running == 0) _stopped.TrySetResult();
        }
        await _stopped.Task;
        foreach (var trip in _idle) await trip.DisposeAsync();
    }

    protected abstract Trip CreateTrip();

    /// <summary>Moves into the batch what may travel together, first come first; at least one.</summary>
    protected abstract void Take(List<TWork> waiting, List<TWork> batch);

    private async Task RunAsync(Trip trip)
    {
        while (TakeBatch(trip)) await trip.RunAsync();
    }

    private bool TakeBatch(Trip trip)
    {
        lock (_gate)
        {
            trip.Batch.Clear();
            if (_waiting.Count > 0)
            {
                Take(_waiting, trip.Batch);
                foreach (var work in trip.Batch) _bytes -= work.Bytes;
                return true;
            }
            _idle.Push(trip);
            _running--;
            if (_stopping && _running == 0) _stopped.TrySetResult();
            return false;
        }
    }
}

/// <summary>One connection that is opened when it is needed and opened anew after it broke.</summary>
internal sealed class Session(NpgsqlDataSource source)
{
    /// <summary>The server ends what the session that broke still does there, and answers when that has ended; only the store's own can be meant.</summary>
    private const string EndSession = """
        SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
        WHERE pid = $1 AND usename = current_user AND datname = current_database() AND application_name = 'stateside'
        """;

    private int _lost;

    public NpgsqlConnection? Connection { get; private set; }

    /// <summary>The server warned since the last look.</summary>
    public bool WasWarned { get; set; }

    /// <summary>Opens it if need be; true if it is a new one, on which nothing is prepared.</summary>
    public async ValueTask<bool> OpenAsync()
    {
        if (Connection is { State: System.Data.ConnectionState.Open }) return false;
        await CloseAsync();
        Connection = await source.OpenConnectionAsync();
        _lost = Connection.ProcessID;
        Connection.Notice += (_, e) => WasWarned |= e.Notice.InvariantSeverity == "WARNING";
        return true;
    }

    /// <summary>
    /// After a connection broke over a commit: sees to it that the server no longer works on that commit when its caller hears of the
    /// failure, so that what he loads next stays true. Where that fails too, the outcome is unknown all the same.
    /// </summary>
    public async ValueTask EndLostAsync()
    {
        var lost = _lost;
        try
        {
            await OpenAsync();
            if (lost == _lost) return;
            await using var ending = new NpgsqlCommand(EndSession, Connection);
            ending.Parameters.Add(new NpgsqlParameter<int> { TypedValue = lost, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Integer });
            await ending.ExecuteNonQueryAsync();
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or ObjectDisposedException)
        {
            // The server is away, and cannot go on with anything either.
        }
        // What is opened next begins with nothing prepared.
        await CloseAsync();
    }

    public async ValueTask CloseAsync()
    {
        if (Connection is { } connection) await connection.DisposeAsync();
        Connection = null;
    }
}
