using Stateside.Stores;

namespace Stateside.Testing;

/// <summary>Where in a turn the process dies.</summary>
public enum CrashStep
{
    /// <summary>The turn has asked for nothing yet.</summary>
    BeforeLoad,

    /// <summary>The rows are there, the handler has not run.</summary>
    AfterLoad,

    /// <summary>The handler has run, the store has not been asked to write.</summary>
    BeforeCommit,

    /// <summary>The store has been given the commit and has not been waited for: it may or may not write it.</summary>
    DuringCommit,

    /// <summary>The store has answered that it committed; the response has not been sent.</summary>
    AfterCommit,
}

/// <summary>
/// Ends the process at a chosen step of a turn, to show that a restart and a retry come to one effect and one response. It is put
/// around the store that is to be proved: <c>services.AddSingleton&lt;IStore&gt;(new CrashingStore(store, () => Environment.FailFast("crash")))</c>.
/// </summary>
/// <param name="inner">The store behind it.</param>
/// <param name="crash">Ends the process. If it returns, the verb goes on as if nothing had been; if it throws, the verb fails with that.</param>
public sealed class CrashingStore(IStore inner, Action crash) : DelegatingStore(inner)
{
    private readonly Action _crash = crash ?? throw new ArgumentNullException(nameof(crash));
    private volatile Plan? _plan;

    /// <summary>Crashes when <paramref name="step"/> is reached; once. A plan that was set before is dropped.</summary>
    /// <param name="step">Where.</param>
    /// <param name="skip">How often the step is let pass first; 0 or more. Sessions and turns of other requests count too.</param>
    public void Arm(CrashStep step, int skip = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(skip);
        _plan = new Plan(step, skip);
    }

    /// <inheritdoc/>
    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        Reach(CrashStep.BeforeLoad);
        var result = await Inner.LoadAsync(request, cancellationToken);
        Reach(CrashStep.AfterLoad);
        return result;
    }

    /// <inheritdoc/>
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        Reach(CrashStep.BeforeCommit);
        var pending = Inner.CommitAsync(commit, cancellationToken);
        Reach(CrashStep.DuringCommit);
        var result = await pending;
        if (result == CommitResult.Committed) Reach(CrashStep.AfterCommit);
        return result;
    }

    private void Reach(CrashStep step)
    {
        if (_plan is not { } plan || plan.Step != step || !plan.IsDue()) return;
        _plan = null;
        _crash();
    }

    private sealed class Plan(CrashStep step, int skip)
    {
        private int _left = skip;

        public CrashStep Step { get; } = step;

        /// <summary>True for exactly one caller, however many come at once.</summary>
        public bool IsDue() => Interlocked.Decrement(ref _left) == -1;
    }
}
