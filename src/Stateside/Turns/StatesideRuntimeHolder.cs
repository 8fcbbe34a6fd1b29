namespace Stateside.Turns;

/// <summary>Where the runtime is found once the host has started. A service of its own, because the container is built before the store is open.</summary>
internal sealed class StatesideRuntimeHolder
{
    private volatile StatesideRuntime? _runtime;

    /// <summary>The runtime.</summary>
    /// <exception cref="InvalidOperationException">The host has not started, or has stopped.</exception>
    public StatesideRuntime Runtime => _runtime ?? throw new InvalidOperationException(
        "Stateside runs from the start of the host to its stop, and the host does not run. Use states after host.StartAsync(), or in a hosted service.");

    /// <summary>The runtime, or null while the host does not run.</summary>
    public StatesideRuntime? Current => _runtime;

    public void Publish(StatesideRuntime? runtime) => _runtime = runtime;
}
