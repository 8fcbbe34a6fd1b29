using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Testing;

/// <summary>Turns an application into one that a test holds in its hands.</summary>
public static class StatesideTestingExtensions
{
    /// <summary>
    /// Gives the application a <see cref="TestStore"/> in place of the store that configuration names, a <see cref="ManualClock"/> in place of
    /// the system's, and <see cref="DetectMutation"/>. Call it after the application's own registrations (<c>ConfigureTestServices</c>).
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="store">The store, in memory and empty.</param>
    /// <param name="clock">The clock of turns, sessions and the store. Whatever else takes <see cref="TimeProvider"/> from the services gets it too.</param>
    public static IServiceCollection AddStatesideTesting(this IServiceCollection services, out TestStore store, out ManualClock clock)
    {
        ArgumentNullException.ThrowIfNull(services);
        clock = new ManualClock();
        store = new TestStore(clock);
        return services
            .Replace(ServiceDescriptor.Singleton<TimeProvider>(clock))
            .Replace(ServiceDescriptor.Singleton<IStore>(store))
            .DetectMutation();
    }

    /// <summary>
    /// Fails every turn whose handler changed a value in place, with a <see cref="StateMutatedException"/> that names the state. Each
    /// value is written to JSON twice more in each run, so it is for tests.
    /// </summary>
    public static IServiceCollection DetectMutation(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton<ITurnWatch, MutationWatch>();
        return services;
    }
}
