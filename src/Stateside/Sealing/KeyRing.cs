using Microsoft.Extensions.Logging;
using Stateside.Diagnostics;
using Stateside.Stores;

namespace Stateside.Sealing;

/// <summary>
/// The keys of an application on one node. They are given by configuration, or kept in the store: then the first node makes one, every
/// node looks again each <see cref="KeysModel.Refresh"/>, and whichever finds the newest to be old adds another. A new key opens
/// everywhere before it seals anywhere, and a revoked one is refused on every node within one such period.
/// </summary>
internal sealed class KeyRing : IAsyncDisposable
{
    /// <summary>After a look for an unknown key, how long none is made: whoever makes up key ids causes no more trips than that.</summary>
    public static readonly TimeSpan LookPause = TimeSpan.FromSeconds(5);

    private readonly KeyRingStore? _store;
    private readonly KeysModel _model;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _looking = new();
    private Task<bool> _look = Task.FromResult(false);
    private long? _looked;
    private Task _refreshing = Task.CompletedTask;

    private KeyRing(KeyRingStore? store, KeysModel model, SealKeys keys, TimeProvider time, ILogger log)
    {
        (_store, _model, _time, _log) = (store, model, time, log);
        Sealer = new Sealer(model.Application, keys, store is null ? null : LookAsync);
    }

    public Sealer Sealer { get; }

    /// <summary>Reads the keys, or makes the first.</summary>
    /// <param name="store">Where they are kept; null if they are given by configuration.</param>
    /// <param name="model">What the configuration says of them.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where it is told that the store is away.</param>
    /// <param name="cancellationToken">Ends the wait for the store.</param>
    /// <exception cref="StoreException">The store does not answer.</exception>
    /// <exception cref="StatesideException">SS3003, SS3005: the row of the keys cannot be read.</exception>
    public static async ValueTask<KeyRing> OpenAsync(IStore? store, KeysModel model, TimeProvider time, ILogger log, CancellationToken cancellationToken)
    {
        if (model.Given.Count > 0)
        {
            var given = model.Given.Select(secret => new SealKey(SealKeyId.Of(secret), secret)).ToArray();
            return new KeyRing(null, model, new SealKeys(given[0], given), time, log);
        }
        var kept = new KeyRingStore(store ?? throw new InvalidOperationException("Without a store, keys are given by configuration."));
        var content = await kept.ChangeAsync(c => c.Aged(time.GetUtcNow(), model), cancellationToken);
        var ring = new KeyRing(kept, model, content.ToKeys(time.GetUtcNow())!, time, log);
        ring._refreshing = ring.KeepFreshAsync();
        return ring;
    }

    public async ValueTask DisposeAsync()
    {
        _stopping.Cancel();
        await _refreshing;
        _stopping.Dispose();
    }

    /// <summary>Looks for a key that is not at hand. All who ask meanwhile wait for the same look; for <see cref="LookPause"/> after it nobody looks.</summary>
    private ValueTask<bool> LookAsync(CancellationToken cancellationToken)
    {
        lock (_looking)
        {
            if (!_look.IsCompleted) return new(_look.WaitAsync(cancellationToken));
            // Where the store did not answer, nobody knows more than the one who asked: the others are told so too, and not that their seals are false.
            if (_looked is { } at && _time.GetElapsedTime(at) < LookPause) return _look.IsFaulted ? new(_look) : new(false);
            _looked = _time.GetTimestamp();
            _look = LookOnceAsync();
            return new(_look.WaitAsync(cancellationToken));
        }
    }

    private async Task<bool> LookOnceAsync()
    {
        try
        {
            Use(await _store!.LoadAsync(_stopping.Token));
            return true;
        }
        catch (StoreException e)
        {
            // It may be genuine, and nobody can tell: the client keeps it and comes again.
            throw Errors.StoreAway(e);
        }
    }

    private async Task KeepFreshAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(_model.Refresh, _time, _stopping.Token);
                await RefreshAsync();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task RefreshAsync()
    {
        try
        {
            Use(await _store!.ChangeAsync(c => c.Aged(_time.GetUtcNow(), _model), _stopping.Token));
        }
        catch (Exception e) when (e is not OperationCanceledException || !_stopping.IsCancellationRequested)
        {
            // Whatever it is: a node that ceased to look would never hear that a key is revoked.
            _log.KeysNotRefreshed(e);
        }
    }

    private void Use(RingContent content)
    {
        if (content.ToKeys(_time.GetUtcNow()) is not { } keys) return;
        if (keys.Active.Id != Sealer.Keys.Active.Id) _log.KeySeals(keys.Active.Id);
        Sealer.Keys = keys;
    }
}
