using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Sessions;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Simulator;

/// <summary>A node as the engine runs it with its states in the place <c>Store</c>: nothing is in memory, and any node takes any request.</summary>
internal sealed class StoreNode(NodeSetting setting) : INodeSoftware
{
    private const int MostBytes = 65_536;
    private readonly LedgerStates _states = new(Place.Store, setting.World.Options);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<ITurnHost, ValueTask<TurnOutcome>>? _run;
    private int _requests;
    private bool _isStopping;

    public static StatesideModel Model { get; } = new("memory:", false,
        new SessionModel("id", TimeSpan.FromMinutes(20), TimeSpan.FromDays(14), false),
        new IdempotencyModel(false, TimeSpan.FromDays(1), TimeSpan.FromSeconds(30), MostBytes),
        new LimitsModel(MaxTurns: 100, MaxQueue: 20, MaxRuns: 4, MostBytes, MostBytes),
        new Dictionary<string, Place>());

    public async ValueTask StartAsync()
    {
        var capabilities = await setting.Store.OpenAsync(CancellationToken.None);
        ILoggerFactory logs = setting.World.Trace.IsKept ? new TraceLogs(setting.World, setting.Process.Name) : NullLoggerFactory.Instance;
        var telemetry = setting.World.Own(new Telemetry(setting.Clock));
        _run = new StatesideRuntime(Model, _states.ToRegistry(), setting.Store, capabilities, setting.Clock, telemetry, logs).RunAsync;
    }

    public async ValueTask StopAsync()
    {
        _isStopping = true;
        if (_requests > 0) await _idle.Task;
    }

    public long EpochOf(int shard) => 0;

    public async ValueTask<SimReply> HandleAsync(SimRequest request, CancellationToken aborted)
    {
        if (_isStopping) return SimReply.Refused("stopping", Applied.No);
        _requests++;
        try
        {
            var host = new LedgerTurn(_states, request, aborted);
            return host.Reply(await _run!(host));
        }
        catch (StatesideException e)
        {
            return SimReply.Refused(e.Code, e.Applied);
        }
        finally
        {
            if (--_requests == 0 && _isStopping) _idle.TrySetResult();
        }
    }
}
