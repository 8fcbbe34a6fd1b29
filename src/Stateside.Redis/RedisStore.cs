using Microsoft.Extensions.Logging;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>The store in Redis. A load is one <c>MGET</c>, a commit is one script; ADR 0003 says how states lie there.</summary>
internal sealed class RedisStore : IStore
{
    private readonly RedisLayout _layout;
    private readonly RedisReader _reader;
    private readonly RedisClient _client;
    private readonly RowCache _cache = new();
    private readonly int[] _slots = new int[Group.ShardCount];
    private bool _isOpen;

    public RedisStore(RedisUrl url, TimeProvider time, ILogger? log = null)
    {
        _layout = new RedisLayout(url.Prefix);
        _client = new RedisClient(url, time, log);
        for (var shard = 0; shard < _slots.Length; shard++) _slots[shard] = RedisClient.SlotOf(_layout.Tag(shard));
        _reader = new RedisReader(_client, _layout, _slots, _cache);
        _client.Reconnected += _cache.Clear;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.OpenAsync(cancellationToken);
            var capabilities = await new RedisOpening(_client, _layout, _slots).RunAsync(cancellationToken);
            _isOpen = true;
            return capabilities;
        }
        catch (RedisException e)
        {
            throw RedisFailure.Of(e, Applied.No);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Keys.Count == 0 && request.Receipt is null) return new LoadResult([], null);
        if (!_isOpen) throw RedisFailure.Closed();
        try
        {
            return await _reader.LoadAsync(request, cancellationToken);
        }
        catch (RedisException e)
        {
            throw RedisFailure.Of(e, Applied.No);
        }
        catch (FormatException e)
        {
            throw RedisFailure.Foreign(e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        if (!_isOpen) throw RedisFailure.Closed();
        RedisCommit.RefuseTooLarge(commit);
        var shard = commit.Group.Shard;
        RespValue answer;
        try
        {
            answer = await _client.EvalAsync(_client.Tracks ? RedisScripts.CommitAndWatch : RedisScripts.Commit, _slots[shard], RedisCommit.Keys(_layout, commit, shard), RedisCommit.Arguments(commit), cancellationToken);
        }
        catch (RedisException e)
        {
            throw RedisFailure.Of(e, e.Applied);
        }
        try
        {
            var result = RedisCommit.Read(answer, commit, _cache);
            if (result == CommitResult.Committed) _cache.Keep(commit);
            return result;
        }
        catch (FormatException e)
        {
            // Only a refusal brings bytes with it.
            throw RedisFailure.Foreign(e);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) =>
        ReadAsync((group, limit), static (reader, asked, cancel) => reader.ListAsync(asked.group, asked.limit, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        ReadAsync((key, after, limit), static (reader, asked, cancel) => reader.ReadJournalAsync(asked.key, asked.after, asked.limit, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) =>
        ReadAsync(limit, static (reader, asked, cancel) => reader.FindDueAsync(asked, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) =>
        ReadAsync(limit, static (reader, _, cancel) => reader.CleanUpAsync(cancel), cancellationToken);

    /// <inheritdoc/>
    public void Watch(IStoreWatcher watcher)
    {
        ArgumentNullException.ThrowIfNull(watcher);
        if (!_isOpen || !_client.Tells) return;
        var invalidations = new RedisInvalidations(_layout, watcher);
        _client.Pushed += invalidations.Read;
        _client.Reconnected += watcher.AnyChanged;
        _client.EnableTracking();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _isOpen = false;
        return _client.DisposeAsync();
    }

    private async ValueTask<T> ReadAsync<TAsked, T>(TAsked asked, Func<RedisReader, TAsked, CancellationToken, ValueTask<T>> read, CancellationToken cancellationToken)
    {
        if (!_isOpen) throw RedisFailure.Closed();
        try
        {
            return await read(_reader, asked, cancellationToken);
        }
        catch (RedisException e)
        {
            throw RedisFailure.Of(e, Applied.No);
        }
        catch (FormatException e)
        {
            throw RedisFailure.Foreign(e);
        }
    }
}
