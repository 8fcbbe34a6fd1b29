using Stateside.Testing;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests;

/// <summary>Several views of one store in memory: what is a store object of its own elsewhere.</summary>
/// <param name="clockStands">False: the clock goes on by itself, as that of a server does.</param>
internal sealed class MemoryHarness(bool clockStands = true) : StoreHarness, IStoreWatcher
{
    private readonly MovedClock _clock = new(clockStands);
    private readonly List<IStoreWatcher> _watchers = [];
    private MemoryStore _data = null!;

    public const HarnessAbilities Can =
        HarnessAbilities.SecondStore | HarnessAbilities.ClockStands | HarnessAbilities.ClockForward | HarnessAbilities.ClockHours | HarnessAbilities.ClockBack;

    public override HarnessAbilities Abilities => clockStands ? Can : Can & ~HarnessAbilities.ClockStands;

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
        _clock.Moved += by;
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

    private sealed class MovedClock(bool stands) : TimeProvider
    {
        private readonly DateTimeOffset _start = System.GetUtcNow();

        public TimeSpan Moved { get; set; }

        public override DateTimeOffset GetUtcNow() => (stands ? _start : System.GetUtcNow()) + Moved;
    }
}
