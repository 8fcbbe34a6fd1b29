using Stateside.Caching;
using Stateside.Stores;

namespace Stateside.Watching;

/// <summary>What the store tells of changes, for everybody here who wants to hear. It is asked to tell once the first does, since telling costs it something.</summary>
internal sealed class StoreNews(IStore store, NearCache? cache) : IStoreWatcher
{
    private volatile WatchHub? _hub;
    private int _listens;

    /// <summary>Tells the near cache, if there is one.</summary>
    public void Listen()
    {
        if (cache is not null) Begin();
    }

    /// <summary>Tells those who watch, too.</summary>
    public void Listen(WatchHub hub)
    {
        if (_hub is not null) return;
        _hub = hub;
        Begin();
    }

    /// <inheritdoc/>
    public void Changed(StateKey key)
    {
        cache?.Changed(key);
        _hub?.Changed(key);
    }

    /// <inheritdoc/>
    public void AnyChanged()
    {
        cache?.AnyChanged();
        _hub?.AnyChanged();
    }

    private void Begin()
    {
        if (Interlocked.Exchange(ref _listens, 1) == 0) store.Watch(this);
    }
}
