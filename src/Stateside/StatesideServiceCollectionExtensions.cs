using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Stateside.Diagnostics;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside;

/// <summary>Adds the engine to a host that speaks no HTTP: a worker, a tool, a test.</summary>
public static class StatesideServiceCollectionExtensions
{
    /// <summary>
    /// Adds the engine. It starts with the host, before every hosted service, and offers <see cref="IStates"/>. An ASP.NET Core
    /// application calls <c>builder.AddStateside()</c> instead. Called again, it returns the first builder.
    /// </summary>
    /// <param name="services">The application's services. An <see cref="IStore"/> among them is used instead of the one that configuration names.</param>
    /// <param name="section">The configuration section: <c>configuration.GetSection("Stateside")</c>.</param>
    public static StatesideBuilder AddStatesideEngine(this IServiceCollection services, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        if (services.FirstOrDefault(s => s.ServiceType == typeof(StatesideBuilder))?.ImplementationInstance is StatesideBuilder added) return added;

        var builder = new StatesideBuilder(services, section);
        services.AddSingleton(builder);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(new StatesideRuntimeHolder());
        services.AddSingleton(_ => new StateRegistry(builder.Definitions));
        services.AddSingleton(p => new Telemetry(p.GetRequiredService<TimeProvider>(), p.GetService<IMeterFactory>()));
        services.AddSingleton<IStates>(p =>
        {
            var holder = p.GetRequiredService<StatesideRuntimeHolder>();
            return new StatesOutsideHttp(() => holder.Runtime);
        });
        services.AddSingleton<IHostedService, StatesideHostedService>();
        return builder.AddStore(new MemoryStoreProvider()).AddStore(new NoStoreProvider());
    }
}
