using Stateside.Stores;

namespace Stateside.Testing;

/// <summary>
/// A store that conflicts, fails, loses answers and waits on demand, and remembers what it was asked. What is demanded is used up
/// by the next calls that it fits, first come, first served; a call on which nothing is demanded passes through.
/// </summary>
/// <param name="inner">The store behind it.</param>
public sealed class TestStore(IStore inner) : DelegatingStore(inner)
{
    private readonly Lock _lock = new();
    private readonly List<StoreCall> _calls = [];
    private readonly Queue<StoreGate> _loadGates = [];
    private readonly Queue<StoreGate> _commitGates = [];
    private readonly Queue<Applied> _commitFailures = [];
    private int _conflicts;
    private int _loadFailures;

    /// <summary>Over a <see cref="MemoryStore"/>.</summary>
    /// <param name="time">The store's clock.</param>
    public TestStore(TimeProvider time) : this(new MemoryStore(time)) { }

    /// <summary>Every load and every commit so far, in the order in which they were answered.</summary>
    public IReadOnlyList<StoreCall> Calls
    {
        get
        {
            lock (_lock) return [.. _calls];
        }
    }

    /// <summary>How many loads were answered.</summary>
    public int Loads => Count(StoreVerb.Load);

    /// <summary>How many commits were answered.</summary>
    public int Commits => Count(StoreVerb.Commit);

    /// <summary>Forgets the calls so far; what is demanded stays.</summary>
    public void ClearCalls()
    {
        lock (_lock) _calls.Clear();
    }

    /// <summary>The next <paramref name="times"/> commits that compare a version are answered as if another turn had been faster: the handler runs again.</summary>
    public void ForceConflicts(int times = 1)
    {
        lock (_lock) _conflicts += Positive(times);
    }

    /// <summary>The next loads fail: the client gets a 503 and never an empty state.</summary>
    public void FailLoads(int times = 1)
    {
        lock (_lock) _loadFailures += Positive(times);
    }

    /// <summary>The next commits fail, and write nothing.</summary>
    /// <param name="times">How many; 1 or more.</param>
    /// <param name="applied"><see cref="Applied.No"/>: the store refuses. <see cref="Applied.Unknown"/>: it breaks off, and does not say whether it had written.</param>
    public void FailCommits(int times = 1, Applied applied = Applied.No)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(applied, Applied.Yes);
        lock (_lock)
            for (var i = Positive(times); i > 0; i--) _commitFailures.Enqueue(applied);
    }

    /// <summary>The next commits are written, but their answers are lost on the way.</summary>
    public void LoseAnswers(int times = 1)
    {
        lock (_lock)
            for (var i = Positive(times); i > 0; i--) _commitFailures.Enqueue(Applied.Yes);
    }

    /// <summary>Lets the next call of <paramref name="verb"/> wait before it is done, until the gate is opened: a slow store, without a sleep.</summary>
    public StoreGate Hold(StoreVerb verb)
    {
        var gate = new StoreGate();
        lock (_lock) GatesOf(verb).Enqueue(gate);
        return gate;
    }

    /// <summary>What the store behind it declares, but durable, shared and watchable: whether the store of a deployment fits is no question for a test of handlers.</summary>
    public override async ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) =>
        await base.OpenAsync(cancellationToken) with { Durability = Durability.Disk, Reach = StoreReach.Network, Watchable = true };

    /// <inheritdoc/>
    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        await PassAsync(StoreVerb.Load, cancellationToken);
        if (IsLoadFailing())
        {
            Add(new StoreCall(StoreVerb.Load, StoreOutcome.Failed) { Load = request });
            throw new StoreException("The test store was told to fail this load.", Applied.No);
        }
        var result = await Inner.LoadAsync(request, cancellationToken);
        Add(new StoreCall(StoreVerb.Load, StoreOutcome.Done) { Load = request });
        return result;
    }

    /// <inheritdoc/>
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        await PassAsync(StoreVerb.Commit, cancellationToken);
        var (conflicts, failure) = Demanded(commit);
        if (failure is { } applied)
        {
            if (applied == Applied.Yes) await Inner.CommitAsync(commit, cancellationToken);
            Add(new StoreCall(StoreVerb.Commit, applied == Applied.Yes ? StoreOutcome.AnswerLost : StoreOutcome.Failed) { Commit = commit });
            throw new StoreException("The test store was told to fail this commit.", applied == Applied.No ? Applied.No : Applied.Unknown);
        }
        var result = conflicts ? await ConflictAsync(commit, cancellationToken) : await Inner.CommitAsync(commit, cancellationToken);
        Add(new StoreCall(StoreVerb.Commit, OutcomeOf(result)) { Commit = commit });
        return result;
    }

    private async ValueTask<CommitResult> ConflictAsync(Commit commit, CancellationToken cancellationToken)
    {
        var current = await Inner.LoadAsync(new LoadRequest([.. commit.Rows.Select(r => r.Key)]), cancellationToken);
        return new CommitResult.Conflict(current.Rows);
    }

    private async ValueTask PassAsync(StoreVerb verb, CancellationToken cancellationToken)
    {
        StoreGate? gate;
        lock (_lock) GatesOf(verb).TryDequeue(out gate);
        if (gate is not null) await gate.PassAsync(cancellationToken);
    }

    private bool IsLoadFailing()
    {
        lock (_lock) return _loadFailures > 0 && _loadFailures-- > 0;
    }

    /// <summary>A commit that compares no version, such as that of a claim, cannot conflict: the demand waits for one that can.</summary>
    private (bool Conflicts, Applied? Failure) Demanded(Commit commit)
    {
        lock (_lock)
        {
            if (_commitFailures.TryDequeue(out var applied)) return (false, applied);
            var conflicts = _conflicts > 0 && commit.Rows.Any(r => r.Change != RowChange.Touch);
            if (conflicts) _conflicts--;
            return (conflicts, null);
        }
    }

    private void Add(StoreCall call)
    {
        lock (_lock) _calls.Add(call);
    }

    private int Count(StoreVerb verb)
    {
        lock (_lock) return _calls.Count(c => c.Verb == verb);
    }

    private Queue<StoreGate> GatesOf(StoreVerb verb) => verb == StoreVerb.Load ? _loadGates : _commitGates;

    private static StoreOutcome OutcomeOf(CommitResult result) => result switch
    {
        CommitResult.Conflict => StoreOutcome.Conflict,
        CommitResult.AlreadyRecorded => StoreOutcome.AlreadyRecorded,
        CommitResult.Fenced => StoreOutcome.Fenced,
        _ => StoreOutcome.Done,
    };

    private static int Positive(int times)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        return times;
    }
}

/// <summary>The verbs that turns use.</summary>
public enum StoreVerb
{
    /// <summary><see cref="IStore.LoadAsync"/>.</summary>
    Load,

    /// <summary><see cref="IStore.CommitAsync"/>.</summary>
    Commit,
}

/// <summary>How a call was answered.</summary>
public enum StoreOutcome
{
    /// <summary>Loaded, or committed.</summary>
    Done,

    /// <summary>Nothing was written: a row was not at the expected version, or a conflict was forced.</summary>
    Conflict,

    /// <summary>Nothing was written: the receipt was there.</summary>
    AlreadyRecorded,

    /// <summary>Nothing was written: the epoch was older than the store's.</summary>
    Fenced,

    /// <summary>It failed on demand, and nothing was written.</summary>
    Failed,

    /// <summary>It was written, and failed on demand afterwards.</summary>
    AnswerLost,
}

/// <summary>One call of the store.</summary>
/// <param name="Verb">Which verb.</param>
/// <param name="Outcome">How it was answered.</param>
public sealed record StoreCall(StoreVerb Verb, StoreOutcome Outcome)
{
    /// <summary>What was asked for (<see cref="StoreVerb.Load"/>).</summary>
    public LoadRequest? Load { get; init; }

    /// <summary>What was to be written (<see cref="StoreVerb.Commit"/>).</summary>
    public Commit? Commit { get; init; }
}

/// <summary>Where a call waits. Disposing it opens it, so that a test that fails does not leave a request hanging.</summary>
public sealed class StoreGate : IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal StoreGate() { }

    /// <summary>Done when a call has come to the gate.</summary>
    public Task Reached => _reached.Task;

    /// <summary>Lets the call through.</summary>
    public void Open() => _opened.TrySetResult();

    /// <inheritdoc/>
    public void Dispose() => Open();

    internal Task PassAsync(CancellationToken cancellationToken)
    {
        _reached.TrySetResult();
        return _opened.Task.WaitAsync(cancellationToken);
    }
}
