using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Stateside.Diagnostics;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Cluster;

/// <summary>
/// This node in the cluster. At each beat it gives a sign of life (a write to its own row), looks at the view and at the rows of the
/// nodes that it watches, and does what follows: takes the shards that have become its own, passes on those that have not, and ends
/// nodes that are silent. There is no leader: whoever sees what is to be done tries, and the store lets one of them.
/// </summary>
/// <remarks>
/// A shard is safe with three locks, one behind the other: the view names one owner; the store refuses commits under an epoch lower than
/// the owner's, who raises it before anything is read; and a node that may no longer answer from memory knows by its own clock, earlier
/// than anybody else takes its shards: its lease runs from before the write that renewed it, theirs from after.
/// </remarks>
internal sealed partial class ClusterAgent : IOwnership, IAsyncDisposable
{
    /// <summary>How many nodes each one watches: all of a node's watchers have to die with it before it is noticed later.</summary>
    private const int MostWatched = 3;

    /// <summary>Shards that are passed on in one step: others are served meanwhile.</summary>
    private const int HandOffStep = 64;

    /// <summary>How long a hand-off waits for the turns inside; then these shards stay for now.</summary>
    private static readonly TimeSpan s_drain = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a node that leaves waits for a store that is away: for it to return, and once more for what is in memory only to be written.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly ClusterStore _store;
    private readonly ClusterModel _model;
    private readonly TimeProvider _time;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Shard[] _shards;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private Func<Shard, ValueTask<bool>> _flush = _ => new(true);
    private Task _beating = Task.CompletedTask;
    private Task _passing = Task.CompletedTask;
    private Task _looking = Task.CompletedTask;
    private readonly Dictionary<UInt128, CancellationTokenSource> _lives = [];
    private Task _renewing = Task.CompletedTask;
    private bool _isStoreAway;
    private volatile bool _isGone;
    private Task<ClusterView>? _look;
    private Member _self;
    private StateVersion _selfVersion;
    private StateVersion _viewVersion;
    private long _adopted;
    private long _leaseFrom;
    private bool _hasLease;
    private volatile ClusterView? _view;

    /// <summary>The highest epochs of a history that the store has lost; null: it has lost none.</summary>
    private long[]? _past;

    /// <param name="store">The store that all nodes share.</param>
    /// <param name="model">The configuration.</param>
    /// <param name="time">Timers.</param>
    /// <param name="log">Where it tells what happens.</param>
    public ClusterAgent(IStore store, ClusterModel model, TimeProvider time, ILogger log)
    {
        (_store, _model, _time, _clock, _log) = (new ClusterStore(store), model, time, BootClock.For(time), log);
        _shards = new Shard[Group.ShardCount];
        for (var i = 0; i < _shards.Length; i++) _shards[i] = new Shard(i);
        _self = NewLife();
    }

    public IReadOnlyList<Shard> Shards => _shards;

    /// <summary>This node, in its present life.</summary>
    public Member Self => _self;

    /// <summary>What this node knows of the cluster; null before it has looked.</summary>
    public ClusterView? View => _view;

    /// <inheritdoc/>
    public bool HoldsLease => _hasLease && _clock.GetElapsedTime(Volatile.Read(ref _leaseFrom)) < _model.Lease - _model.Margin;

    /// <inheritdoc/>
    public bool IsElsewhere(int shard) => _view?.Owner(shard) is { } owner && !owner.Is(_self);

    private bool IsOurs(int shard) => _view is { } view && IsOursIn(view, shard);

    /// <summary>Whether this node is of use: as a member it is in the view, with its lease; as a gateway it knows one that is.</summary>
    public bool IsReady => _view is { } view && (_model.IsGateway ? view.Members.Count > 0 : view.Has(_self) && HoldsLease);

    /// <summary>Whether this node owns nothing and passes everything on.</summary>
    public bool IsGateway => _model.IsGateway;

    /// <summary>Says where the node port has come to listen, before this node joins.</summary>
    public void ListensOn(int port) => _self = _self with { Port = _model.Port == 0 ? port : _model.Port };

    /// <summary>How long the last planned hand-off took: from its seal to the view that passes it on.</summary>
    public TimeSpan LastHandOff { get; private set; }

    /// <summary>How many shards this node owns.</summary>
    public int OwnedCount => _shards.Count(s => s.IsOwned);

    /// <summary>Joins the cluster, or begins it. A gateway only looks.</summary>
    /// <param name="flush">Writes what of a shard is in memory only; called before it is passed on.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="StatesideException">SS4003 to SS4005: this node does not fit into the cluster.</exception>
    public async ValueTask JoinAsync(Func<Shard, ValueTask<bool>> flush, CancellationToken cancellationToken)
    {
        _flush = flush;
        if (_model.IsGateway) await LookAsync(cancellationToken);
        else
        {
            await WaitForNameAsync(cancellationToken);
            await BeginLifeAsync(cancellationToken);
        }
        _beating = BeatAsync();
    }

    /// <summary>Passes all shards on and leaves. What cannot be passed on, since there is nobody or the store is away, is flushed and left to whoever comes.</summary>
    public async ValueTask LeaveAsync(CancellationToken cancellationToken)
    {
        if (_model.IsGateway || _view is null || _isGone) return;
        await PassAllOnAsync(cancellationToken);
        // From here on it is as a gateway: it gives no sign of life, and passes on what still comes to it.
        _isGone = true;
        try
        {
            await _renewing;
        }
        catch (Exception e) when (e is StoreException or StatesideException)
        {
            // Whoever gives the signs of life has told of it; what is in memory is written all the same.
        }
        // All at once: with the store away each of them takes as long as the store takes to refuse.
        var left = _shards.Where(s => !s.IsAway).ToArray();
        await WithinAsync(Task.WhenAll(left.Select(s => s.SealAsync())), s_drain);
        await WithinAsync(Task.WhenAll(left.Select(s => _flush(s).AsTask())), s_patience);
        try
        {
            await ChangeAsync(v => v.Has(_self) ? v.Without(_self) : v);
            await _store.EndAsync(_self.Name, _selfVersion);
        }
        catch (StoreException e)
        {
            _log.LeaveFailed(e);
        }
        foreach (var shard in _shards) shard.Drop();
    }

    /// <summary>Tells the others of the leave, and passes shards on until none is left, nobody is there to take them, or the store stays away.</summary>
    private async ValueTask PassAllOnAsync(CancellationToken cancellationToken)
    {
        var seen = _clock.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                // Again for a life that has begun meanwhile, since the others had given this node up.
                await ChangeAsync(v => v.Find(_self.Name) is { IsLeaving: false } self && self.Is(_self) ? v.Leaving(self) : v);
                if (_shards.All(s => s.IsAway) || _view!.Members.All(m => m.IsLeaving)) return;
                await WithinAsync(BeginPassing(), s_patience);
                if (!_isStoreAway) seen = _clock.GetTimestamp();
            }
            catch (StoreException e)
            {
                if (_clock.GetElapsedTime(seen) > s_patience) _log.LeaveFailed(e);
            }
            if (_clock.GetElapsedTime(seen) > s_patience) return;
            await WithinAsync(Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken), _model.Beat / 10);
        }
    }

    /// <summary>Looks at the view now, together with whoever else does, unless it is known in that number already.</summary>
    /// <exception cref="StoreException">The store is away.</exception>
    public async ValueTask<ClusterView> RefreshAsync(long atLeast, CancellationToken cancellationToken)
    {
        if (_view is { } known && known.Number >= atLeast) return known;
        Task<ClusterView> look;
        lock (_gate) look = _look is { IsCompleted: false } ? _look : _look = LookAsync(CancellationToken.None);
        return await look.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Ends a lease after this node has learned that another's life is over: nobody waits for an answer of the dead. One that was only slow
    /// has had the time to say what became of a request; its commits are refused, so most often it says that somebody else is to be asked.
    /// </summary>
    public CancellationToken LifeOf(Member member)
    {
        lock (_gate)
        {
            if (_view is not { } view || !view.Has(member)) return new CancellationToken(canceled: true);
            if (!_lives.TryGetValue(member.Incarnation, out var life)) _lives[member.Incarnation] = life = new CancellationTokenSource();
            return life.Token;
        }
    }

    private void EndLives(ClusterView? before, ClusterView view)
    {
        foreach (var (incarnation, life) in _lives)
        {
            if (view.Members.Any(m => m.Incarnation == incarnation)) continue;
            _lives.Remove(incarnation);
            // One that has taken its leave still answers what it was asked.
            if (before?.Members.FirstOrDefault(m => m.Incarnation == incarnation) is not { IsLeaving: true }) _ = EndAsync(life);
        }
    }

    private async Task EndAsync(CancellationTokenSource life)
    {
        await WithinAsync(Task.Delay(Timeout.InfiniteTimeSpan, _time, _stopping.Token), _model.Lease);
        life.Cancel();
    }

    /// <inheritdoc/>
    public void Lost(int shard, long epoch)
    {
        if (_shards[shard].Epoch != epoch) return;
        _log.ShardLost(shard, epoch);
        _shards[shard].Drop();
    }

    public async ValueTask DisposeAsync()
    {
        _stopping.Cancel();
        await _beating;
        await _passing;
        _stopping.Dispose();
    }

    private Member NewLife() => new(_model.Name, TurnId.New().Value, _model.Host, _self?.Port ?? _model.Port);

    private async Task BeatAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_model.Beat, _time, _stopping.Token);
                if (!_model.IsGateway && !_isGone) await (_renewing = RenewAsync());
                // Whatever there is to be done must not hold up the next sign of life.
                if (_looking.IsCompleted) _looking = LookAroundAsync();
                if (_isStoreAway) _log.StoreBack();
                _isStoreAway = false;
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                // Without the store the lease runs out by itself; with it, the next beat goes on. Nothing may end the beats but the node's own end.
                if (!_isStoreAway) _log.BeatFailed(e);
                _isStoreAway = true;
            }
        }
        await _looking;
    }

    /// <summary>A sign of life. The lease runs from before it was sent.</summary>
    private async Task RenewAsync()
    {
        while (true)
        {
            var began = _clock.GetTimestamp();
            var (isWritten, row) = await _store.RenewAsync(_self, _selfVersion);
            if (ClusterStore.IncarnationOf(row) != _self.Incarnation) break;
            _selfVersion = row.Version;
            // The row stands at the version of a write whose answer was lost. The others have counted from that one; this one gave no sign.
            if (!isWritten) continue;
            Volatile.Write(ref _leaseFrom, began);
            _hasLease = true;
            return;
        }
        _log.LifeEnded(_self.Name);
        await BeginAgainAsync();
    }

    /// <summary>The others have given this node up: everything in memory is void, and it comes back as a new one.</summary>
    private async ValueTask BeginAgainAsync()
    {
        _hasLease = false;
        foreach (var shard in _shards) shard.Drop();
        await _looking;
        foreach (var shard in _shards) shard.Drop();
        _self = NewLife();
        _selfVersion = default;
        await WaitForNameAsync(_stopping.Token);
        await BeginLifeAsync(_stopping.Token);
    }

    private async ValueTask BeginLifeAsync(CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        var (_, row) = await _store.RenewAsync(_self, _selfVersion);
        if (ClusterStore.IncarnationOf(row) != _self.Incarnation) throw Errors.NameTaken(_self.Name);
        _selfVersion = row.Version;
        Volatile.Write(ref _leaseFrom, began);
        _hasLease = true;
        await LookAsync(cancellationToken);
        if (Obstacle(_view!) is not null) await EndTheDeadAsync(cancellationToken);
        await ChangeAsync(Joined);
    }

    /// <summary>What stands in this node's way may be there no longer: whoever is silent is ended before it counts.</summary>
    private async ValueTask EndTheDeadAsync(CancellationToken cancellationToken)
    {
        var watched = _view!.Members.Where(m => m.Name != _self.Name).Select(m => new Watched(m)).ToList();
        var started = _clock.GetTimestamp();
        while (_clock.GetElapsedTime(started) < (_model.Lease + _model.Margin) * 1.5 && watched.Count > 0)
        {
            await RenewAsync();
            var began = _clock.GetTimestamp();
            var rows = await _store.LoadAsync([.. watched.Select(w => w.Member.Name)], cancellationToken);
            Adopt(rows.View, began);
            for (var i = watched.Count - 1; i >= 0; i--)
            {
                if (!watched[i].IsSilent(rows.Members[i], began, _model, _clock)) continue;
                await EndAsync(watched[i], rows.Members[i]);
                watched.RemoveAt(i);
            }
            await Task.Delay(_model.Beat, _time, cancellationToken);
        }
    }

    /// <summary>Why this node cannot join those who are there; null: it can.</summary>
    private StatesideException? Obstacle(ClusterView view)
    {
        var others = view.Members.Where(m => m.Name != _self.Name).ToArray();
        if (others.Length == 0) return null;
        if (!view.Agreement.AsSpan().SequenceEqual(_model.Agreement)) return Errors.ClusterDisagrees(others[0].Name);
        if (_self.Port == 0 || others.Any(m => m.Port == 0)) return Errors.NodeAlone(others[0].Name);
        return others.Length >= ClusterView.MostMembers ? Errors.ClusterFull(ClusterView.MostMembers) : null;
    }

    private ClusterView Joined(ClusterView view)
    {
        if (view.Has(_self)) return view;
        if (Obstacle(view) is { } obstacle) throw obstacle;
        return AbovePast(view.Agreeing(_model.Agreement).With(_self));
    }

    /// <summary>What was sent under an epoch that the store has forgotten may still arrive: no shard goes on under it, or below.</summary>
    private ClusterView AbovePast(ClusterView view) => _past is { } past ? view.Above(past) : view;

    /// <summary>A node that was killed leaves its row behind: who comes under its name waits until it is known to be dead, and ends it.</summary>
    /// <exception cref="StatesideException">SS4003: it lives.</exception>
    private async ValueTask WaitForNameAsync(CancellationToken cancellationToken)
    {
        var (rows, began) = (await _store.LoadAsync([_model.Name], cancellationToken), _clock.GetTimestamp());
        var first = rows.Members[0].Version;
        while (rows.Members[0] is { Exists: true } row)
        {
            if (row.Version != first) throw Errors.NameTaken(_model.Name);
            if (_clock.GetElapsedTime(began) > _model.Lease + _model.Margin)
            {
                await _store.EndAsync(_model.Name, row.Version);
                began = _clock.GetTimestamp();
            }
            await Task.Delay(_model.Beat, _time, cancellationToken);
            rows = await _store.LoadAsync([_model.Name], cancellationToken);
        }
        _selfVersion = rows.Members[0].Version;
    }

    private async Task LookAroundAsync()
    {
        try
        {
            var view = _view!;
            IReadOnlyList<Member> watched = _model.IsGateway || _isGone ? [] : view.After(_self, MostWatched);
            var began = _clock.GetTimestamp();
            var rows = await _store.LoadAsync([.. watched.Select(m => m.Name)], _stopping.Token);
            view = Adopt(rows.View, began);
            if (_model.IsGateway || _isGone) return;
            if (!view.Has(_self)) await ChangeAsync(Joined);
            else await ChangeAsync(AbovePast);
            for (var i = 0; i < watched.Count; i++)
            {
                if (!_watched.TryGetValue(watched[i].Name, out var seen) || !seen.Member.Is(watched[i])) _watched[watched[i].Name] = seen = new Watched(watched[i]);
                // Who has taken its leave meanwhile has no row any more either.
                if (view.Has(watched[i]) && seen.IsSilent(rows.Members[i], began, _model, _clock)) await EndAsync(seen, rows.Members[i]);
            }
            _ = BeginPassing();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The node stops.
        }
        catch (Exception e) when (e is StoreException or StatesideException)
        {
            _log.LookFailed(e);
        }
    }

    private Task BeginPassing()
    {
        lock (_gate) return _passing.IsCompleted ? _passing = PassOnAsync(_view!) : _passing;
    }

    /// <summary>Ends a node that is silent: first its row, so that it cannot renew any more, then its place in the view.</summary>
    private async ValueTask EndAsync(Watched silent, Row row)
    {
        if (ClusterStore.IncarnationOf(row) == silent.Member.Incarnation && !await _store.EndAsync(silent.Member.Name, silent.Version)) return;
        _watched.Remove(silent.Member.Name);
        _log.NodeEnded(silent.Member.Name);
        await ChangeAsync(v => v.Has(silent.Member) ? v.Without(silent.Member) : v);
    }

    /// <summary>Changes the view, whoever else does at the same time.</summary>
    private async ValueTask ChangeAsync(Func<ClusterView, ClusterView> change)
    {
        while (true)
        {
            var (before, version) = (_view!, _viewVersion);
            var after = change(before);
            if (ReferenceEquals(after, before)) return;
            var began = _clock.GetTimestamp();
            var (isOurs, row) = await _store.PutViewAsync(after, version);
            Adopt(row, began);
            if (isOurs) return;
        }
    }

    private async Task<ClusterView> LookAsync(CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        return Adopt((await _store.LoadAsync([], cancellationToken)).View, began);
    }

    private ClusterView Adopt(Row row, long began)
    {
        lock (_gate)
        {
            if (_view is { } known && row.Version == _viewVersion) return known;
            var view = row.Exists ? ClusterView.Read(row.Body) : ClusterView.Begin(RandomNumberGenerator.GetBytes(ClusterView.SecretBytes), _model.Agreement);
            // Answers may overtake each other. One to a later question that knows less is of a store that has lost something, and is believed.
            if (_view is { } newer && view.Number < newer.Number && began <= _adopted) return newer;
            var before = _view;
            if (before is not null && view.IsAstray(before)) Remember(before, view);
            (_view, _viewVersion, _adopted) = (view, row.Version, _clock.GetTimestamp());
            Follow(view);
            EndLives(before, view);
            return view;
        }
    }

    private void Remember(ClusterView before, ClusterView view)
    {
        _log.RowsLost(before.Number, view.Number);
        var past = before.Epochs.ToArray();
        if (_past is { } earlier)
            for (var shard = 0; shard < past.Length; shard++) past[shard] = Math.Max(past[shard], earlier[shard]);
        _past = past;
    }

    /// <summary>Waits for a task, but not longer; what becomes of it then is not asked here.</summary>
    private async Task WithinAsync(Task task, TimeSpan most)
    {
        try
        {
            await task.Here().WaitAsync(most, _time, CancellationToken.None);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // The callers look at the task themselves.
        }
    }
}
