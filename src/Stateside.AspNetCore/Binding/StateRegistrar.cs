using Microsoft.Extensions.DependencyInjection;

namespace Stateside.AspNetCore.Binding;

/// <summary>
/// Makes the handles of a declared state services of the run's scope. Minimal APIs, MVC, filters and the application's own
/// services then find them the way they find everything else (ADR 0002).
/// </summary>
internal sealed class StateRegistrar : IStateRegistrar
{
    public void Register<T>(IServiceCollection services) where T : class
    {
        services.AddScoped(static scope => (State<T>)Find(scope, typeof(State<T>), null));
        services.AddScoped(static scope => (Snapshot<T>)Find(scope, typeof(Snapshot<T>), null));
        services.AddKeyedScoped(KeyedService.AnyKey, static (scope, key) => (State<T>)Find(scope, typeof(State<T>), key));
        services.AddKeyedScoped(KeyedService.AnyKey, static (scope, key) => (Snapshot<T>)Find(scope, typeof(Snapshot<T>), key));
    }

    private static object Find(IServiceProvider scope, Type handleType, object? key) =>
        scope.GetRequiredService<RunScope>().Find(handleType, key);
}
