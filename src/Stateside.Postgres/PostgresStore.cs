using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>The PostgreSQL store: loads of many callers in one statement, commits of many in one transaction.</summary>
[SuppressMessage("Design", "CA1001", Justification = "DisposeAsync disposes of the data source.")]
internal sealed class PostgresStore(PostgresUrl url, TimeProvider time, ILogger log) : IStore
{
    /// <summary>Most rows that clean-up looks at in one transaction, so that it holds nobody up for long.</summary>
    private const int CleanUpStep = 256;

    // Every statement finds its rows by an index, and the tables are empty when the first plans are made. So the planner is told what it
    // could not know, and plans once. None of these touches what a commit survives.
    private const string Planning = "-c jit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

    private readonly Statements _statements = new(url.Schema);
    private readonly RowCache _cache = new();
    private NpgsqlDataSource? _source;
    private Loader? _loader;
    private Committer? _committer;
    private Listener? _listener;

    /// <inheritdoc/>
    public async ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            var source = _source = BuildSource();
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await PostgresSchema.MigrateAsync(connection, url, log, cancellationToken);
            var capabilities = await PostgresFacts.ReadAsync(connection, url.Notify, cancellationToken);
            var failures = new TripFailures(log, time);
            _loader = new Loader(source, _statements, _cache, failures);
            _committer = new Committer(source, _statements, _cache, url.Notify, failures, log);
            return capabilities;
        }
        catch (Exception e) when (e is not (StoreException or OperationCanceledException))
        {
            throw PostgresFailure.Of(e, Applied.No);
        }
    }

    /// <inheritdoc/>
    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var key in request.Keys)
            if (!IsText(key)) throw PostgresFailure.BadText();
        var work = new LoadWork(request);
        (_loader ?? throw PostgresFailure.Closed()).Enqueue(work);
        return new(work.Task);
    }

    /// <inheritdoc/>
    /// <remarks>Once it is queued it is not cancelled: whether it was written would be unknown without need. Its time-out bounds it.</remarks>
    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        cancellationToken.ThrowIfCancellationRequested();
        Check(commit);
        var work = new CommitWork(commit);
        (_committer ?? throw PostgresFailure.Closed()).Enqueue(work);
        return new(work.Task);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) =>
        await ReadAsync(_statements.List, p => Add(p, group.Value, limit), reader => new StateKey(group, reader.GetString(0), reader.GetString(1)), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken)
    {
        if (!IsText(key)) throw PostgresFailure.BadText();
        return await ReadAsync(_statements.Journal, p => Add(p, key.Group.Value, key.Name, key.Item, after, limit),
            reader => new JournalEvent(reader.GetInt64(0), Wire.Turn(reader.GetGuid(1)), reader.GetInt32(2), reader.GetFieldValue<byte[]>(3)), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) =>
        await ReadAsync(_statements.Due, p => Add(p, limit),
            reader => new DueEffect(Group.Parse(reader.GetString(0)), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3)), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken)
    {
        var total = 0;
        while (total < limit)
        {
            var step = Math.Min(limit - total, CleanUpStep);
            var counts = await ReadAsync(_statements.CleanUp, p => Add(p, step), reader => (Seen: reader.GetInt64(0), Removed: reader.GetInt64(1)), cancellationToken);
            total += (int)counts[0].Removed;
            if (counts[0].Seen < step) break;
        }
        return total;
    }

    /// <inheritdoc/>
    public void Watch(IStoreWatcher watcher)
    {
        ArgumentNullException.ThrowIfNull(watcher);
        if (!url.Notify) return;
        _listener = new Listener(_source ?? throw PostgresFailure.Closed(), _statements, watcher, log);
        _listener.Start();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_listener is not null) await _listener.StopAsync();
        if (_committer is not null) await _committer.StopAsync();
        if (_loader is not null) await _loader.StopAsync();
        if (_source is not null) await _source.DisposeAsync();
    }

    private NpgsqlDataSource BuildSource()
    {
        var builder = new NpgsqlSlimDataSourceBuilder(url.Connection.ConnectionString);
        var settings = builder.ConnectionStringBuilder;
        settings.ApplicationName = "stateside";
        settings.Options = Planning;
        settings.Enlist = false;
        settings.NoResetOnClose = true;
        settings.MaxAutoPrepare = 16;
        // A statement that is late is given up at once: the server's answer to a cancellation could not be relied on either.
        settings.CancellationTimeout = -1;
        if (settings.Host!.Contains(',')) settings.TargetSessionAttributes = "read-write";
        builder.EnableArrays();
        builder.EnableTransportSecurity();
        return builder.Build();
    }

    private async Task<T[]> ReadAsync<T>(string sql, Action<NpgsqlParameterCollection> fill, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await (_source ?? throw PostgresFailure.Closed()).OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand(sql, connection);
            fill(command.Parameters);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var found = new List<T>();
            while (await reader.ReadAsync(cancellationToken)) found.Add(read(reader));
            return [.. found];
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            throw PostgresFailure.Of(e, Applied.No);
        }
    }

    private static void Add(NpgsqlParameterCollection parameters, params ReadOnlySpan<object> values)
    {
        foreach (var value in values)
            parameters.Add(value switch
            {
                string text => new NpgsqlParameter<string> { TypedValue = text, NpgsqlDbType = NpgsqlDbType.Text },
                long number => new NpgsqlParameter<long> { TypedValue = number, NpgsqlDbType = NpgsqlDbType.Bigint },
                _ => new NpgsqlParameter<long> { TypedValue = (int)value, NpgsqlDbType = NpgsqlDbType.Bigint },
            });
    }

    /// <summary>What would fail at the server and cost others of the batch a second trip is refused before it is queued.</summary>
    private static void Check(Commit commit)
    {
        foreach (var row in commit.Rows)
        {
            if (!IsText(row.Key)) throw PostgresFailure.BadText();
            Check(row.Body);
            foreach (var e in row.Events) Check(e);
        }
        if (commit.Receipt is { } receipt) Check(receipt.Body);
        foreach (var effect in commit.Effects)
        {
            if (!Wire.IsText(effect.Id) || !Wire.IsText(effect.Name)) throw PostgresFailure.BadText();
            Check(effect.Body);
        }
        foreach (var id in commit.EffectsDone)
            if (!Wire.IsText(id)) throw PostgresFailure.BadText();
    }

    private static void Check(ReadOnlyMemory<byte> body)
    {
        if (body.Length > PostgresFacts.MaxBodyBytes) throw PostgresFailure.TooLarge(PostgresFacts.MaxBodyBytes);
    }

    private static bool IsText(StateKey key) => Wire.IsText(key.Name) && Wire.IsText(key.Item);
}
