using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Stores;

namespace Stateside.Redis.Resp;

/// <summary>
/// Sends commands to the server that they are for: the one there is, the primary among several, or the primary of a slot in a
/// cluster, whose redirections it follows. It never reads from a replica.
/// </summary>
internal sealed class RedisClient : IAsyncDisposable
{
    /// <summary>Slots of a cluster.</summary>
    public const int Slots = 16_384;

    /// <summary>Most redirections and repeats of one command.</summary>
    private const int MaxRedirects = 8;

    private static readonly TimeSpan s_refreshAtMost = TimeSpan.FromMilliseconds(200);
    private static readonly RespCommand s_asking = RespCommand.Of("ASKING");

    private readonly RedisUrl _url;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<RedisEndpoint, RedisNode> _nodes = [];
    private readonly RedisNode _first;
    private RedisNode?[]? _bySlot;
    private Task _refreshing = Task.CompletedTask;
    private long _refreshedAt;
    private int _refreshes;
    private bool _isDisposed;

    public RedisClient(RedisUrl url, TimeProvider? time = null, ILogger? log = null)
    {
        (_url, _time, _log) = (url, time ?? TimeProvider.System, log ?? NullLogger.Instance);
        _first = new RedisNode(this, url, url.Endpoints, _time, _log);
    }

    /// <summary>Gets what servers send unasked, on the reading thread: it returns at once and throws nothing.</summary>
    public event Action<RespValue>? Pushed;

    /// <summary>A connection was opened, again or for the first time: pushes may have been missed.</summary>
    public event Action? Reconnected;

    /// <summary>Whether the servers form a cluster. Known once open.</summary>
    public bool IsCluster => _bySlot is not null;

    /// <summary>Whether the servers speak RESP3, without which they push nothing.</summary>
    public bool IsResp3 => _first.IsResp3;

    /// <summary>Whether the servers tell of changes: they speak RESP3, and the user may ask for it. Known once open.</summary>
    public bool Tells { get; private set; }

    internal bool Tracks { get; private set; }

    /// <summary>Connects, and finds out whether it is a cluster.</summary>
    /// <exception cref="RedisException">It cannot be reached, or refuses.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await FirstConnectionAsync(cancellationToken);
        // Says nothing that was not so before, but tells whether the user may ask for it.
        Tells = IsResp3 && !(await connection.SendAsync(RespCommand.OfWords("CLIENT", "TRACKING", "OFF"), cancellationToken)).IsError;
        var map = await connection.SendAsync(RespCommand.OfWords("CLUSTER", "SLOTS"), cancellationToken);
        // A single server answers that it is none, or does not know the command, or does not let us ask.
        if (map.IsErrorOf("ERR"u8) || map.IsErrorOf("NOPERM"u8)) return;
        // One that is still loading is not known to be none.
        if (map.IsError) throw RedisException.Of(map);
        ReadMap(map, _first.Endpoint);
    }

    /// <summary>Sends one command to the primary of a slot (where there is no cluster, to the primary).</summary>
    /// <exception cref="RedisException">The server refused it, or no answer came.</exception>
    public async ValueTask<RespValue> SendAsync(int slot, RespCommand command, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var node = NodeOf(slot);
            try
            {
                var connection = await node.GetAsync(cancellationToken);
                var answer = await connection.SendAsync(command, cancellationToken);
                if (!answer.IsError) return answer;
                if (await RedirectAsync(slot, command, answer, node, connection, attempt, cancellationToken) is { } redirected) return redirected;
            }
            catch (RedisException e) when (IsCluster && !e.IsAnswer)
            {
                // Its primary may have died and another one taken its place.
                var refreshed = RefreshAsync();
                if (e.Applied != Applied.No || attempt > 1) throw;
                await refreshed.WaitAsync(cancellationToken);
                if (NodeOf(slot) == node) throw;
            }
        }
    }

    /// <summary>Sends several commands to the primary of a slot, with nobody's between them.</summary>
    /// <exception cref="RedisException">The server refused one, or an answer did not come.</exception>
    public async ValueTask<RespValue[]> SendAsync(int slot, RespCommand[] commands, CancellationToken cancellationToken)
    {
        var node = NodeOf(slot);
        RespValue[] answers;
        try
        {
            var connection = await node.GetAsync(cancellationToken);
            answers = (await connection.SendAsync(commands, cancellationToken)).Items;
            for (var i = 0; i < answers.Length; i++)
                // What went astray goes by itself, and follows its redirection there.
                if (answers[i].IsError) answers[i] = await RedirectAsync(slot, commands[i], answers[i], node, connection, 1, cancellationToken) ?? await SendAsync(slot, commands[i], cancellationToken);
        }
        catch (RedisException e) when (IsCluster && !e.IsAnswer && e.Applied == Applied.No)
        {
            await RefreshAsync().WaitAsync(cancellationToken);
            if (NodeOf(slot) == node) throw;
            answers = new RespValue[commands.Length];
            for (var i = 0; i < answers.Length; i++) answers[i] = await SendAsync(slot, commands[i], cancellationToken);
        }
        return answers;
    }

    /// <summary>Runs a script on keys of one slot.</summary>
    /// <exception cref="RedisException">As of <see cref="SendAsync(int, RespCommand, CancellationToken)"/>.</exception>
    public async ValueTask<RespValue> EvalAsync(RedisScript script, int slot, ReadOnlyMemory<byte>[] keys, ReadOnlyMemory<byte>[] arguments, CancellationToken cancellationToken)
    {
        var first = new ReadOnlyMemory<byte>[2 + keys.Length];
        first[0] = script.Hash;
        first[1] = Encoding.ASCII.GetBytes(keys.Length.ToString(CultureInfo.InvariantCulture));
        keys.CopyTo(first, 2);
        try
        {
            return await SendAsync(slot, RespCommand.Of("EVALSHA", first, arguments), cancellationToken);
        }
        catch (RedisException e) when (e.IsAnswer && e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            first[0] = script.Source;
            return await SendAsync(slot, RespCommand.Of("EVAL", first, arguments), cancellationToken);
        }
    }

    /// <summary>Asks each primary once, by a slot that is its own.</summary>
    public async ValueTask<T[]> ForEachPrimaryAsync<T>(Func<int, ValueTask<T>> ask)
    {
        if (_bySlot is not { } map) return [await ask(0)];
        var asked = new HashSet<RedisNode>();
        var answers = new List<Task<T>>();
        for (var slot = 0; slot < map.Length; slot++)
            if (map[slot] is { } node && asked.Add(node)) answers.Add(ask(slot).AsTask());
        return await Task.WhenAll(answers);
    }

    /// <summary>From now on servers tell of changes to what is read over these connections.</summary>
    public void EnableTracking()
    {
        RedisNode[] nodes;
        lock (_gate)
        {
            Tracks = true;
            nodes = [_first, .. _nodes.Values];
        }
        foreach (var node in nodes) _ = TrackAsync(node);
    }

    /// <summary>The slot of a key: CRC-16 of its hash tag, or of the whole.</summary>
    public static int SlotOf(ReadOnlySpan<byte> key)
    {
        var open = key.IndexOf((byte)'{');
        if (open >= 0 && key[(open + 1)..].IndexOf((byte)'}') is > 0 and var length) key = key.Slice(open + 1, length);
        var crc = 0;
        foreach (var b in key)
        {
            crc ^= b << 8;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
        }
        return crc & 0xFFFF & (Slots - 1);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        RedisNode[] nodes;
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            nodes = [_first, .. _nodes.Values.Where(n => n != _first)];
        }
        foreach (var node in nodes) await node.DisposeAsync();
        await _refreshing;
    }

    internal void Push(RespValue value) => Pushed?.Invoke(value);

    internal void TellReconnected() => Reconnected?.Invoke();

    /// <summary>The first connection. A server that is away when the application starts is a mistake, not an outage, so the first failure is told.</summary>
    private async Task<RespConnection> FirstConnectionAsync(CancellationToken cancellationToken)
    {
        using var bound = new CancellationTokenSource(_url.ConnectTimeout + _url.CommandTimeout, _time);
        while (true)
        {
            try
            {
                return await _first.GetAsync(cancellationToken);
            }
            catch (RedisException e) when (e.InnerException is TimeoutException && !e.IsAnswer && !bound.IsCancellationRequested)
            {
                // It is still being connected to: that has a limit of its own.
            }
        }
    }

    private RedisNode NodeOf(int slot) => _bySlot is { } map && slot >= 0 ? Volatile.Read(ref map[slot]) ?? _first : _first;

    /// <summary>Follows what a cluster, or a server that lost its rank, answers. Null: try again; an error that leads nowhere is thrown.</summary>
    private async ValueTask<RespValue?> RedirectAsync(
        int slot, RespCommand command, RespValue error, RedisNode node, RespConnection connection, int attempt, CancellationToken cancellationToken)
    {
        if (error.IsErrorOf("READONLY"u8)) node.Distrust(connection);
        if (!IsCluster || attempt >= MaxRedirects) throw RedisException.Of(error);
        if (error.IsErrorOf("MOVED"u8))
        {
            var target = Find(ReadAddress(error, node.Endpoint));
            if (slot >= 0) Volatile.Write(ref _bySlot![slot], target);
            _ = RefreshAsync();
            return null;
        }
        if (error.IsErrorOf("ASK"u8))
        {
            var target = await Find(ReadAddress(error, node.Endpoint)).GetAsync(cancellationToken);
            var answer = (await target.SendAsync([s_asking, command], cancellationToken)).Items[1];
            return answer.IsError ? await RedirectAsync(slot, command, answer, node, target, attempt + 1, cancellationToken) : answer;
        }
        if (!error.IsErrorOf("TRYAGAIN"u8) && !error.IsErrorOf("CLUSTERDOWN"u8)) throw RedisException.Of(error);
        if (error.IsErrorOf("CLUSTERDOWN"u8)) _ = RefreshAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(2 << attempt), _time, cancellationToken);
        return null;
    }

    /// <summary><c>MOVED 3999 127.0.0.1:6381</c>; without a host it is that of the server that said so.</summary>
    private static RedisEndpoint ReadAddress(RespValue error, RedisEndpoint asked)
    {
        var words = error.Text.Split(' ');
        var address = words.Length >= 3 ? words[2] : "";
        var colon = address.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)) throw RedisException.Of(error);
        return new RedisEndpoint(colon == 0 ? asked.Host : address[..colon], port);
    }

    private RedisNode Find(RedisEndpoint endpoint)
    {
        lock (_gate)
        {
            if (_isDisposed) throw new RedisException("The connection to Redis is closed.", Applied.No);
            if (!_nodes.TryGetValue(endpoint, out var node)) _nodes[endpoint] = node = new RedisNode(this, _url, [endpoint], _time, _log);
            return node;
        }
    }

    /// <summary>Reads the map of the cluster anew: one at a time, and not too often.</summary>
    private Task RefreshAsync()
    {
        lock (_gate)
        {
            if (_isDisposed || !_refreshing.IsCompleted || _time.GetElapsedTime(_refreshedAt) < s_refreshAtMost) return _refreshing;
            _refreshedAt = _time.GetTimestamp();
            return _refreshing = RefreshNowAsync();
        }
    }

    private async Task RefreshNowAsync()
    {
        await Task.Yield();
        RedisNode[] nodes;
        // Another one first each time: one that the others have cut off would answer with a map of its own for ever.
        lock (_gate) nodes = [.. _nodes.Values, _first];
        var first = (int)((uint)_refreshes++ % (uint)nodes.Length);
        nodes = [.. nodes[first..], .. nodes[..first]];
        var reason = "no server answers";
        foreach (var node in nodes)
        {
            try
            {
                var connection = await node.GetAsync(default);
                var map = await connection.SendAsync(RespCommand.OfWords("CLUSTER", "SLOTS"), default);
                if (map.IsError) throw RedisException.Of(map);
                ReadMap(map, node.Endpoint);
                return;
            }
            catch (RedisException e)
            {
                reason = e.Message;
            }
        }
        _log.CannotReadMap(reason);
    }

    /// <summary>Items of <c>CLUSTER SLOTS</c>: first slot, last slot, then the primary and its replicas as host, port and more.</summary>
    private void ReadMap(RespValue answer, RedisEndpoint asked)
    {
        var map = new RedisNode?[Slots];
        var primaries = new HashSet<RedisNode>();
        foreach (var range in answer.Items)
        {
            if (range.Items is not [{ Kind: RespKind.Integer } first, { Kind: RespKind.Integer } last, { Items: [var host, { Kind: RespKind.Integer } port, ..] }, ..]) continue;
            if (first.Number < 0 || last.Number >= Slots || port.Number is < 1 or > 65_535) continue;
            var node = Find(new RedisEndpoint(host.Bytes.IsEmpty ? asked.Host : host.Text, (int)port.Number));
            primaries.Add(node);
            for (var slot = first.Number; slot <= last.Number; slot++) map[slot] = node;
        }
        RedisNode[] gone;
        lock (_gate)
        {
            _bySlot = map;
            // One that answers but has no slots may be where slots are just being moved to.
            gone = [.. _nodes.Values.Where(n => !primaries.Contains(n) && !n.IsConnected)];
            foreach (var node in gone) _nodes.Remove(node.Endpoint);
        }
        _log.MapRead(primaries.Count);
        foreach (var node in gone) _ = node.DisposeAsync().AsTask();
    }

    private async Task TrackAsync(RedisNode node)
    {
        try
        {
            var connection = await node.GetAsync(default);
            await connection.SendAsync(RespCommand.OfWords("CLIENT", "TRACKING", "ON", "NOLOOP"), default);
            TellReconnected();
        }
        catch (RedisException)
        {
            // The next connection begins with tracking.
        }
    }
}
