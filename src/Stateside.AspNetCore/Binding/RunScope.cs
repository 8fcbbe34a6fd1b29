using Stateside.AspNetCore.Endpoints;
using Stateside.States;
using Stateside.Turns;

namespace Stateside.AspNetCore.Binding;

/// <summary>The run that a service scope belongs to: through it, ASP.NET Core finds states and the turn as it finds any service.</summary>
internal sealed class RunScope
{
    private EndpointPlan? _plan;
    private TurnRun? _run;

    public Turn Turn => _run?.Turn ?? throw NotInTurn();

    public bool IsEntered => _run is not null;

    /// <summary>Whether the run has changed a state so far.</summary>
    public bool HasChanges => _run is not null && Array.Exists(_run.Slots, slot => slot.IsChanged);

    public void Enter(EndpointPlan plan, TurnRun run) => (_plan, _run) = (plan, run);

    /// <summary>The handle of the parameter with this type and this attribute.</summary>
    /// <exception cref="InvalidOperationException">Nothing runs here, or the endpoint has no such parameter, or two of them.</exception>
    public IStateSlot Find(Type handleType, object? serviceKey)
    {
        if (_run is null) throw NotInTurn();
        var found = -1;
        for (var i = 0; i < _plan!.Parameters.Count; i++)
        {
            var parameter = _plan.Parameters[i];
            if (parameter.HandleType != handleType) continue;
            if (Equals(parameter.ServiceKey, serviceKey)) return _run.Slots[i];
            found = found == -1 ? i : -2;
        }
        // A service that asks for State<T> without an attribute gets the endpoint's only one of that type.
        if (serviceKey is null && found >= 0) return _run.Slots[found];
        throw new InvalidOperationException(
            $"This endpoint has no one parameter of type {handleType.Name}<{handleType.GenericTypeArguments[0].Name}> that fits. A state can be used only where the endpoint takes it as a parameter, so that it is loaded and committed with the turn.");
    }

    private static InvalidOperationException NotInTurn() =>
        new("No turn is running here. State<T>, Snapshot<T> and Turn are parameters of endpoints behind app.UseStateside(); elsewhere use IStates.RunAsync (docs/errors/SS2011.md).");
}
