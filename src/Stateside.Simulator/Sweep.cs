namespace Stateside.Simulator;

/// <summary>Runs many seeds, as many at a time as there are processors, each on a thread of its own for as long as it takes. Ends with the first seed that does not hold.</summary>
/// <param name="from">The first seed.</param>
/// <param name="seeds">How many.</param>
/// <param name="options">What each of them runs.</param>
internal sealed class Sweep(ulong from, long seeds, Func<ulong, SimulationOptions> options)
{
    private readonly Lock _lock = new();

    /// <summary>How many seeds have been run.</summary>
    public long Seeds { get; private set; }

    public long Operations { get; private set; }

    public long Acknowledged { get; private set; }

    public long Steps { get; private set; }

    /// <summary>Over all runs, in whatever order they came: two sweeps that hold and have one hash were the same.</summary>
    public ulong Hash { get; private set; }

    /// <summary>Of those that do not hold and were run, the one with the lowest seed.</summary>
    public SimulationResult? Failure { get; private set; }

    /// <param name="ran">Called after each seed.</param>
    /// <param name="cancellationToken">Ends the sweep before its next seed.</param>
    public async Task RunAsync(Action? ran = null, CancellationToken cancellationToken = default)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = ending.Token };
        try
        {
            await Parallel.ForAsync(0L, seeds, parallel, (i, _) =>
            {
                var seed = from + (ulong)i;
                var result = SimulationRun.Of(seed, options(seed));
                lock (_lock) Add(result);
                ran?.Invoke();
                if (!result.Holds) ending.Cancel();
                return default;
            });
        }
        catch (OperationCanceledException) when (Failure is not null)
        {
            // The seeds after it are not run: what they show would most likely be the same.
        }
    }

    private void Add(SimulationResult result)
    {
        Seeds++;
        Operations += result.Operations;
        Acknowledged += result.Acknowledged;
        Steps += result.Steps;
        Hash ^= result.Hash;
        if (!result.Holds && (Failure is null || result.Seed < Failure.Seed)) Failure = result;
    }
}
