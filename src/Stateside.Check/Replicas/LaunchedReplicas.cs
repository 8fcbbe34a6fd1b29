using System.Globalization;

namespace Stateside.Check.Replicas;

/// <summary>Replicas that this program launches itself, as many sets as the experiments need.</summary>
public sealed class LaunchedSource(LaunchOptions options, TimeProvider time) : ReplicaSource
{
    private readonly LaunchAddresses _addresses = new(LaunchFill.HasOwnAddress(options));
    private readonly StartQueue _queue = new(time);

    /// <inheritdoc/>
    public override int MostSets => options.MostSets;

    /// <inheritdoc/>
    public override bool KeepsApart => options.Environment.Values.Append(options.Command).Any(t => t.Contains("{dir}", StringComparison.Ordinal));

    /// <inheritdoc/>
    public override bool CanRestart => true;

    /// <inheritdoc/>
    public override int Count => options.Replicas;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names => [.. Enumerable.Range(0, Count).Select(i => $"{options.Mask(options.Command)} (replica {i})")];

    /// <inheritdoc/>
    public override async Task<ReplicaSet> OpenAsync(CancellationToken cancellationToken)
    {
        var set = new LaunchedSet(options, _addresses, _queue, time);
        try
        {
            await set.StartAsync(cancellationToken);
            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }
}

/// <summary>One set of launched replicas. Each keeps its port, number and directory over restarts.</summary>
internal sealed class LaunchedSet(LaunchOptions options, LaunchAddresses addresses, StartQueue queue, TimeProvider time) : ReplicaSet
{
    private const int ShownLines = 20;
    private const int MostTries = 3;

    private readonly Replica[] _replicas = [.. Enumerable.Range(0, options.Replicas).Select(i => new Replica(i))];
    private PrivateFolder? _root;

    /// <inheritdoc/>
    public override IReadOnlyList<Uri> Addresses => [.. _replicas.Select(r => r.Address)];

    /// <inheritdoc/>
    public override bool CanRestart => true;

    /// <summary>Starts all. Where one cannot be had the others are waited for no longer.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        PrivateFolder.RemoveAbandoned();
        _root = PrivateFolder.Create();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAll(_replicas.Select(OneAsync));

        async Task OneAsync(Replica replica)
        {
            try
            {
                await StartAsync(replica, isNew: true, stopping.Token);
            }
            catch (ReplicaException e)
            {
                queue.Fault ??= e;
                await stopping.CancelAsync();
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public override async Task RestartAsync(IReadOnlyList<int> replicas, CancellationToken cancellationToken)
    {
        await Task.WhenAll(replicas.Select(i => _replicas[i].EndAsync()));
        await Task.WhenAll(replicas.Select(i => StartAsync(_replicas[i], isNew: false, cancellationToken)));
    }

    /// <inheritdoc/>
    public override (int Replica, string Said)? Crashed() =>
        _replicas.FirstOrDefault(r => r.Process is { HasExited: true }) is { } ended ? (ended.Number, options.Mask(ended.Process!.Said(ShownLines))) : null;

    /// <inheritdoc/>
    public override string? StartScript(IReadOnlyList<int> replicas) => LaunchScript.Write(options, [.. replicas.Select(i => (i, _replicas[i].Address))]);

    /// <inheritdoc/>
    public override string? RestartScript(int replica) => string.Create(CultureInfo.InvariantCulture, $"stop {replica}; start_{replica}");

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_replicas.Select(r => r.EndAsync()));
        _root?.Dispose();
    }

    private async Task StartAsync(Replica replica, bool isNew, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            if (isNew) replica.Address = addresses.Next();
            var directory = Directory.CreateDirectory(Path.Combine(_root!.Path, $"replica-{replica.Number}")).FullName;
            var words = ShellWords.Split(LaunchFill.Command(options, replica.Number, replica.Address).Replace("{dir}", directory, StringComparison.Ordinal));
            var environment = options.Environment.ToDictionary(e => e.Key, e => LaunchFill.Text(e.Value, replica.Number, replica.Address).Replace("{dir}", directory, StringComparison.Ordinal));
            LaunchedProcess? started = null;
            var fault = await queue.TakeAsync(() =>
            {
                started = replica.Process = LaunchedProcess.Start(words, environment, options.WorkingDirectory);
                return Readiness.WaitAsync(replica.Address, replica.Address.Authority, options.Ready, options.ReadyWithin, () => started.HasExited, time, cancellationToken);
            }, cancellationToken);
            var process = started!;
            if (fault is null) return;
            var hasEnded = process.HasExited;
            // Its output is whole only when it is gone.
            await replica.EndAsync();
            var said = process.Said(ShownLines);
            var isPortTaken = hasEnded && (said.Contains("in use", StringComparison.OrdinalIgnoreCase) || said.Contains("EADDRINUSE", StringComparison.Ordinal));
            if (isPortTaken && tries < MostTries) continue;
            throw new ReplicaException(Complaint(replica, hasEnded ? "ended before it served" : $"does not serve within {options.ReadyWithin.TotalSeconds:0} s ({fault})", said));
        }
    }

    private string Complaint(Replica replica, string fault, string said) => string.Create(CultureInfo.InvariantCulture,
        $"replica {replica.Number} {fault}. Does the command listen on {{port}} of {replica.Address.Host}? --ready PATH names what answers once it serves, --ready-timeout the wait. It said last:\n{options.Mask(said.Length == 0 ? "(nothing)" : said)}");

    private sealed class Replica(int number)
    {
        public int Number { get; } = number;

        public Uri Address { get; set; } = new("http://127.0.0.1");

        public LaunchedProcess? Process { get; set; }

        public async Task EndAsync()
        {
            var process = Process;
            Process = null;
            if (process is not null) await process.DisposeAsync();
        }
    }
}

/// <summary>
/// Lets replicas start one after the other. Many services make what they share when they start (a schema, a secret, a file written anew), and two that do so in the same
/// instant spoil it: a deployment seldom does that, and the rig must not.
/// </summary>
internal sealed class StartQueue(TimeProvider time)
{
    /// <summary>Who takes longer than this to serve is not waited for: what is shared is mostly made at the beginning.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private Task _last = Task.CompletedTask;

    /// <summary>Why a replica that is opened cannot be had: then neither can any other of the same command, and none is started any more. Null while all is well.</summary>
    public ReplicaException? Fault { get; set; }

    /// <summary>Starts something when what was started before it is done, or has had its time.</summary>
    public async Task<T> TakeAsync<T>(Func<Task<T>> start, CancellationToken cancellationToken)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task before;
        lock (_lock) (before, _last) = (_last, turn.Task);
        try
        {
            await before.WaitAsync(cancellationToken);
            if (Fault is { } fault) throw new ReplicaException(fault.Message, fault);
            var started = start();
            await Task.WhenAny(started, Task.Delay(s_longest, time, cancellationToken));
            turn.SetResult();
            return await started;
        }
        finally
        {
            turn.TrySetResult();
        }
    }
}
