using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// One client: an operation after the other, through any node. What bears an idempotency key it sends again, through another node,
/// until it knows; anything else it sends once, and remembers that it does not know.
/// </summary>
internal sealed class SimClient(World world, SeededRandom random)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);
    private const int MostAttempts = 8;

    /// <summary>Works until the given time.</summary>
    public async Task WorkAsync(long until, int keys, double meanPause)
    {
        var lengths = new int[keys];
        while (world.Now < until)
        {
            await world.DelayAsync(random.Span(meanPause / 8, meanPause * 3));
            var key = random.Below(keys);
            var kind = random.Below(10) < world.Options.Reads ? OperationKind.Read : random.Chance(0.15) ? OperationKind.AppendIf : random.Chance(0.15) ? OperationKind.Clear : OperationKind.Append;
            var isIdempotent = kind is OperationKind.Append or OperationKind.Clear && random.Chance(0.4);
            var operation = world.Begin(kind, key, isIdempotent);
            // Some give up early: what a node has sent again for them must not be called refused.
            await CompleteAsync(operation, lengths[key], !isIdempotent || random.Chance(0.25) ? 1 : MostAttempts);
            if (operation.Applied == Applied.Yes) lengths[key] = operation.Mark.Length;
        }
    }

    /// <summary>Appends through one node until it is done: whether the service is back.</summary>
    public async Task ProbeAsync(int key, int node)
    {
        var operation = world.Begin(OperationKind.Append, key, isIdempotent: true);
        while (operation.Applied != Applied.Yes) await CompleteAsync(operation, 0, attempts: 1, node);
    }

    private async Task CompleteAsync(Operation operation, int expected, int attempts, int? node = null)
    {
        var request = new SimRequest(operation.Id, operation.Kind, operation.Key, expected, operation.IsIdempotent);
        var isRefused = true;
        for (var attempt = 0; attempt < attempts && operation.Applied != Applied.Yes; attempt++)
        {
            if (attempt > 0 || node is not null) await world.DelayAsync(random.Span(5, 200));
            isRefused &= await AttemptAsync(operation, request, node ?? random.Pick(world.Listed)) == Applied.No;
        }
        if (operation.Applied != Applied.Yes && isRefused && node is null) operation.Applied = Applied.No;
        // A probe goes on until it is done.
        if (node is null || operation.Applied == Applied.Yes) operation.ReturnedAt = world.Scheduler.Steps;
    }

    private async Task<Applied> AttemptAsync(Operation operation, SimRequest request, int node)
    {
        SimReply reply;
        world.Trace.Add(world.Now, "client", $"{operation} to node {node}");
        try
        {
            reply = await world.Network.SendAsync(node, request, s_patience);
        }
        catch (NetworkException e)
        {
            reply = SimReply.Refused("no reply", e.Applied);
        }
        world.Trace.Mix(operation.Id);
        world.Trace.Mix(reply.Mark.Length);
        world.Trace.Add(world.Now, "client", $"operation {operation.Id}: {reply.Code ?? "done"}, applied {reply.Applied}, length {reply.Mark.Length}, notes {reply.Notes.Length}");
        world.Count(reply);
        if (reply.Code is null) (operation.Applied, operation.Mark, operation.Notes, operation.AcknowledgedAt) = (Applied.Yes, reply.Mark, reply.Notes, world.Now);
        return reply.Applied;
    }
}
