using Stateside.Places;

namespace Stateside.Turns;

/// <summary>What a turn holds while it is on its way: its place in the queue of its group and, where a state of it lives on this node, the shard.</summary>
internal sealed class TurnScope(TurnGate gate, NodePlace? node) : IDisposable
{
    private NodeEntry? _entry;
    private TurnGate.Pass _pass;

    /// <summary>Goes in. For another group, called again, what was held before is given back.</summary>
    /// <exception cref="StatesideException">SS1010: too many are waiting. SS4001, SS4007: another node owns the states, or nobody does.</exception>
    public async ValueTask EnterAsync(TurnRequest request, CancellationToken aborted)
    {
        Dispose();
        if (node is not null && request.Home is { } home) request.On(_entry = await node.EnterAsync(home, aborted));
        var pass = await gate.QueueAsync(request.Group, aborted);
        // The owner lets the next turn in as soon as this one's change is in memory.
        if (_entry is { } entry && request.Group == entry.Group) entry.Hold(pass);
        else _pass = pass;
    }

    public void Dispose()
    {
        _pass.Dispose();
        _pass = default;
        _entry?.Dispose();
        _entry = null;
    }
}
