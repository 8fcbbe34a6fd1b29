using System.Diagnostics;
using System.Net;
using Stateside.Stores;

namespace Stateside.Testing.Stores;

/// <summary>What a harness can do to the store that it brings. A case that needs more than that is not among <see cref="StoreConformance.CasesFor(StoreHarness)"/>.</summary>
[Flags]
public enum HarnessAbilities
{
    /// <summary>One store object, and a clock that nobody can move.</summary>
    None = 0,

    /// <summary>Several store objects on the same data, as several processes have them.</summary>
    SecondStore = 1,

    /// <summary>The store's clock stands still between two moves, so that what is left of a time can be compared exactly.</summary>
    ClockStands = 2,

    /// <summary>The store's clock can be moved on by seconds. Waiting does for that.</summary>
    ClockForward = 4,

    /// <summary>The store's clock can be moved on by hours and days.</summary>
    ClockHours = 8,

    /// <summary>The store's clock can be moved back by hours.</summary>
    ClockBack = 16,

    /// <summary>The store speaks TCP to one server, and can be made to do so through another address.</summary>
    Proxy = 32,

    /// <summary>The store's server can be killed, started again and held still.</summary>
    Server = 64,

    /// <summary>The store can be run in a process of its own, which the suite kills.</summary>
    Process = 128,
}

/// <summary>
/// What the author of a store tells the suite: how to make the store, and what can be done to it. One harness may serve many cases, one
/// after the other; each begins with <see cref="ResetAsync"/>.
/// </summary>
public abstract class StoreHarness : IAsyncDisposable
{
    /// <summary>What this harness can do. A store with a server is proved only with all of them except <see cref="HarnessAbilities.ClockStands"/>.</summary>
    public abstract HarnessAbilities Abilities { get; }

    /// <summary>Makes a store object on the harness's data, not yet opened. The suite opens it and disposes of it, and expects the data to stay.</summary>
    public abstract IStore CreateStore();

    /// <summary>Empties the data. No store of the suite is open while it runs.</summary>
    public abstract Task ResetAsync();

    /// <summary>
    /// Moves the store's clock (<see cref="HarnessAbilities.ClockForward"/> and its neighbours), while stores are open. When it returns,
    /// every verb that begins later sees the new time.
    /// </summary>
    /// <param name="by">Seconds to years; less than zero only with <see cref="HarnessAbilities.ClockBack"/>.</param>
    public virtual Task AdvanceAsync(TimeSpan by) => throw Lacks(nameof(AdvanceAsync));

    /// <summary>Where the server listens (<see cref="HarnessAbilities.Proxy"/>).</summary>
    public virtual EndPoint Address => throw Lacks(nameof(Address));

    /// <summary>Makes a store on the same data that speaks to <paramref name="through"/> in place of <see cref="Address"/> (<see cref="HarnessAbilities.Proxy"/>).</summary>
    public virtual IStore CreateStore(EndPoint through) => throw Lacks(nameof(CreateStore));

    /// <summary>The store's server (<see cref="HarnessAbilities.Server"/>).</summary>
    public virtual IServerControl Server => throw Lacks(nameof(Server));

    /// <summary>
    /// Starts a process that makes such a store on the same data and hands it to <see cref="ConformanceProcess.RunAsync"/>, with its standard
    /// input and output redirected (<see cref="HarnessAbilities.Process"/>). The suite kills it and disposes of it.
    /// Where the clock is the process's own, that of the harness is ahead of it, by less than a day.
    /// </summary>
    public virtual Process StartProcess() => throw Lacks(nameof(StartProcess));

    /// <summary>How long a verb may take at most before it fails, when the server does not answer. Default: 30 seconds.</summary>
    public virtual TimeSpan Patience => TimeSpan.FromSeconds(30);

    /// <summary>How many generated sequences are tried in each case that tries them; 1 or more. Default: 300.</summary>
    public virtual int Sequences => 300;

    /// <summary>The seed of the first generated sequence, to try again what a failure has shown. Default: null, another each time.</summary>
    public virtual int? Seed => null;

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    private NotSupportedException Lacks(string member) => new($"{GetType().Name} names an ability that needs {member}, and does not override it.");
}

/// <summary>What the suite does to a store's server.</summary>
public interface IServerControl
{
    /// <summary>Ends the server as a power button would (SIGKILL); returns when it is gone.</summary>
    Task KillAsync();

    /// <summary>Starts the server that was killed again, on its data and at its address; returns when it can be spoken to.</summary>
    Task RestartAsync();

    /// <summary>Holds the server still (SIGSTOP): connections stay, nothing answers.</summary>
    Task PauseAsync();

    /// <summary>Lets it go on (SIGCONT).</summary>
    Task ContinueAsync();
}
