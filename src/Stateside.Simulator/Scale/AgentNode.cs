using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Cluster;

namespace Stateside.Simulator;

/// <summary>A node that only takes part in the cluster: it owns shards, and nobody asks anything of them.</summary>
/// <param name="setting">What it is made with.</param>
/// <param name="lease">How long a node may rely on its last sign of life.</param>
/// <param name="formed">Called with each node that comes up; completes when the cluster is there that it belongs to.</param>
internal sealed class AgentNode(NodeSetting setting, TimeSpan lease, Func<Member, Task> formed) : INodeSoftware
{
    public ClusterAgent? Agent { get; private set; }

    public async ValueTask StartAsync()
    {
        var model = new ClusterModel(setting.Process.Name, "10.0.0.1", setting.Process.Id, IsGateway: false, lease, new byte[ClusterView.SecretBytes]);
        Agent = new ClusterAgent(setting.Store, model, setting.Clock, NullLogger.Instance);
        await formed(Agent.Self);
        await Agent.JoinAsync(_ => new(true), CancellationToken.None);
    }

    public async ValueTask StopAsync()
    {
        await Agent!.LeaveAsync(CancellationToken.None);
        await Agent.DisposeAsync();
    }

    public long EpochOf(int shard) => Agent is { HoldsLease: true } agent && agent.Shards[shard] is { IsOwned: true } owned ? owned.Epoch : 0;

    public ValueTask<SimReply> HandleAsync(SimRequest request, CancellationToken aborted) => throw new NotSupportedException("Nobody asks such a node.");
}
