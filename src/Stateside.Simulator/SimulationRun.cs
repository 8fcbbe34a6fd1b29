using Stateside.Places;
using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>What a run came to.</summary>
/// <param name="Seed">What it was run with.</param>
/// <param name="Hash">Of all its events: two runs with one hash were the same.</param>
/// <param name="Steps">How many callbacks ran.</param>
/// <param name="Operations">How many operations the clients began.</param>
/// <param name="Acknowledged">How many of these were acknowledged.</param>
/// <param name="Violations">The promises that were broken; none: all hold.</param>
/// <param name="Trace">What happened, if it was asked for.</param>
internal sealed record SimulationResult(
    ulong Seed, ulong Hash, long Steps, int Operations, int Acknowledged, IReadOnlyList<Violation> Violations, IReadOnlyList<string> Trace)
{
    public bool Holds => Violations.Count == 0;
}

/// <summary>
/// One run: nodes come up, clients work while faults come and go, the faults end, every key must serve again, and what everybody saw is
/// checked. All of it on the thread that calls, in virtual time, and the same for the same seed.
/// </summary>
internal static class SimulationRun
{
    /// <summary>In which what is on its way comes to rest, before the ledgers are read.</summary>
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(5);

    /// <summary>Within this time a checkpoint is in the store, and a node that has died is known to be dead.</summary>
    private static readonly TimeSpan s_checkpoint = TimeSpan.FromSeconds(1);

    public static SimulationResult Of(ulong seed, SimulationOptions? options = null, bool keepsTrace = false)
    {
        options ??= new SimulationOptions();
        using var world = new World(seed, options, keepsTrace);
        RandomBytes.DrawFrom(world.Random.Fork().Fill);
        try
        {
            return Run(seed, world);
        }
        finally
        {
            RandomBytes.DrawFrom(null);
        }
    }

    private static SimulationResult Run(ulong seed, World world)
    {
        var options = world.Options;
        var end = options.Faults.Ticks + options.Recovery.Ticks;
        Task? working = null;
        world.Scheduler.Soon(world.Outside, _ => working = WorkAsync(world), null);
        world.Scheduler.Run(end, () => working is { IsCompleted: true });
        var violations = new List<Violation>();
        if (world.Scheduler.Failure is { } failure) violations.Add(new(Violation.Sound, failure));
        else if (working is { IsFaulted: true }) violations.Add(new(Violation.Sound, working.Exception.InnerException!.ToString()));
        else if (working is not { IsCompletedSuccessfully: true }) violations.AddRange(NotAlive(world));

        world.Scheduler.Run(world.Now + s_rest.Ticks, () => false);
        violations.AddRange(Check(world, ReadLedgers(world)));
        violations.AddRange(OwnerCheck.Run(world.Owners.All));
        foreach (var violation in violations) world.Note($"VIOLATION {violation}");
        return new(seed, world.Trace.Hash, world.Scheduler.Steps, world.Operations.Count,
            world.Operations.Count(o => o.Applied == Applied.Yes), violations, world.Trace.Lines);
    }

    private static IEnumerable<Violation> Check(World world, Dictionary<int, IReadOnlyList<int>> ledgers)
    {
        var options = world.Options;
        return options.Durability == NodeDurability.Commit
            ? LedgerCheck.Run(world.Operations, ledgers).Concat(NotesCheck.Run(world.Operations, ledgers, options.NotesLife is not null))
            : CheckpointCheck.Run(world.Operations, ledgers, world.Deaths, NodeModel.Default.CheckpointEvery + s_checkpoint);
    }

    private static async Task WorkAsync(World world)
    {
        var options = world.Options;
        foreach (var id in Enumerable.Range(1, options.Nodes).Concat(Enumerable.Range(options.MostNodes + 1, options.Gateways)))
        {
            world.Listed.Add(id);
            world.Node(id).Start();
        }
        new Nemesis(world).Plan();
        var clients = Enumerable.Range(0, options.Clients).Select(_ => new SimClient(world, world.Random.Fork())).ToArray();
        await Task.WhenAll(clients.Select(c => c.WorkAsync(options.Faults.Ticks, options.Keys, options.MeanPause)));
        // The faults end at that very moment; what a client waited for may have taken longer.
        var probes = from key in Enumerable.Range(0, options.Keys) from node in world.Listed select (key, node);
        await Task.WhenAll(probes.ToArray().Select((p, i) => clients[i % clients.Length].ProbeAsync(p.key, p.node)));
    }

    private static IEnumerable<Violation> NotAlive(World world)
    {
        var open = world.Operations.Where(o => o.ReturnedAt == long.MaxValue);
        yield return new(Violation.Alive, $"{world.Options.Recovery.TotalSeconds} s after the last fault these are not done: {string.Join("; ", open.Take(5))}");
    }

    /// <summary>What stands in the store in the end, past all faults.</summary>
    private static Dictionary<int, IReadOnlyList<int>> ReadLedgers(World world)
    {
        var ledgers = new Dictionary<int, IReadOnlyList<int>>();
        for (var key = 0; key < world.Options.Keys; key++)
        {
            var row = world.Store.Inner.LoadAsync(new LoadRequest([LedgerStates.LedgerOf(key)]), CancellationToken.None).AsTask().Result.Rows[0];
            ledgers[key] = row.Exists ? System.Text.Json.JsonSerializer.Deserialize(row.Body.Span, LedgerJson.Default.Ledger)!.Entries : [];
        }
        return ledgers;
    }
}
