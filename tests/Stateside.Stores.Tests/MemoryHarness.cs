using Stateside.Testing;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests;

/// <summary>Several views of one store in memory: what is a store object of its own elsewhere.</summary>
internal sealed class MemoryHarness : StoreHarness, IStoreWatcher
{
    private readonly ManualClock _clock = new();
    private readonly List<IStoreWatcher> _watchers = [];
    private MemoryStore _data = null!;

    public const HarnessAbilities Can =
        HarnessAbilities.SecondStore | HarnessAbilities.ClockStands | HarnessAbilities.ClockForward | HarnessAbilities.ClockHours | HarnessAbilities.ClockBack;

    public override HarnessAbilities Abilities => Can;

    public override IStore CreateStore() => new View(_data, this);

    public override Task ResetAsync()
    {
        _data = new MemoryStore(_clock);
        _data.Watch(this);
        lock (_watchers) _watchers.Clear();
        return Task.CompletedTask;
    }

    public override Task AdvanceAsync(TimeSpan by)
    {
        _clock.SetUtcNow(_clock.GetUtcNow() + by);
        return Task.CompletedTask;
    }

    public void Changed(StateKey key)
    {
        lock (_watchers) _watchers.ForEach(w => w.Changed(key));
    }

    public void AnyChanged()
    {
        lock (_watchers) _watchers.ForEach(w => w.AnyChanged());
    }

    private sealed class View(MemoryStore data, MemoryHarness harness) : DelegatingStore(data)
    {
        public override void Watch(IStoreWatcher watcher)
        {
            lock (harness._watchers) harness._watchers.Add(watcher);
        }
    }
}
