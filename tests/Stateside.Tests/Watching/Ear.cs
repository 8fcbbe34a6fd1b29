namespace Stateside.Tests.Watching;

/// <summary>Hears everything that a watch tells, and how it ends.</summary>
internal sealed class Ear<T> : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<T> _heard = [];
    private readonly Task _hearing;

    public Ear(Func<CancellationToken, IAsyncEnumerable<T>> watch) => _hearing = HearAsync(watch(_stop.Token));

    public T[] Heard
    {
        get
        {
            lock (_heard) return [.. _heard];
        }
    }

    /// <summary>Why it ended; null while it goes on.</summary>
    public Exception? End { get; private set; }

    public async Task UntilAsync(Func<T[], bool> holds, string what)
    {
        for (var i = 0; i < 4000 && !holds(Heard); i++) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        Assert.True(holds(Heard), $"{what}; heard {string.Join(", ", Heard)}; ended by {End}");
    }

    public async Task<StatesideException> EndsAsync()
    {
        await _hearing.WaitAsync(TimeSpan.FromSeconds(20));
        return Assert.IsType<StatesideException>(End);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _hearing;
        _stop.Dispose();
    }

    private async Task HearAsync(IAsyncEnumerable<T> watch)
    {
        await Task.Yield();
        try
        {
            await foreach (var item in watch)
                lock (_heard) _heard.Add(item);
        }
        catch (Exception e)
        {
            End = e;
        }
    }
}

internal static class Ears
{
    /// <summary>Versions and values of a counter.</summary>
    public static Ear<(StateVersion Version, int? Value)> HearCount(this IStates states, StateKey key, StateVersion? from = null) => new(stop => Select(states, key, from, stop));

    /// <summary>Numbers and texts of what is said in a room.</summary>
    public static Ear<(long Number, string Text)> HearRoom(this IStates states, StateKey key, long from = 0) => new(stop => Select(states, key, from, stop));

    private static async IAsyncEnumerable<(StateVersion, int?)> Select(IStates states, StateKey key, StateVersion? from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var count in states.WatchAsync<Turns.Count>(key, from, stop)) yield return (count.Version, count.Exists ? count.Value.Value : null);
    }

    private static async IAsyncEnumerable<(long, string)> Select(IStates states, StateKey key, long from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var said in states.WatchAsync<Turns.Room, Turns.Said>(key, from, stop)) yield return (said.Number, said.Event.Text);
    }
}
