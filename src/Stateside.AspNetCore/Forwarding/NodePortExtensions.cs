using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>Adds the node port and the forwarder to an application.</summary>
internal static class NodePortExtensions
{
    /// <summary>
    /// Puts the node port beside the application's server, which must have been chosen before. <see cref="NodePortServer"/> and
    /// <see cref="HttpForwarder"/> are then singletons.
    /// </summary>
    /// <param name="services">The application's services, with an <see cref="IServer"/>.</param>
    /// <param name="settings">Where to listen; asked for when the server is made.</param>
    /// <param name="handshake">This node's side of every handshake.</param>
    /// <exception cref="InvalidOperationException">There is no server yet.</exception>
    public static IServiceCollection AddNodePort(this IServiceCollection services, Func<IServiceProvider, NodePortSettings> settings, Func<IServiceProvider, NodeHandshake> handshake)
    {
        var server = services.LastOrDefault(s => s.ServiceType == typeof(IServer) && !s.IsKeyedService)
            ?? throw new InvalidOperationException("The node port stands beside the application's server: add it after the server.");
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(handshake);
        services.AddSingleton(provider => new NodePortServer(
            Make(server, provider),
            settings(provider),
            provider.GetRequiredService<NodeHandshake>(),
            provider.GetRequiredService<IOptions<KestrelServerOptions>>().Value,
            provider,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        services.Replace(ServiceDescriptor.Singleton<IServer>(provider => provider.GetRequiredService<NodePortServer>()));
        services.AddSingleton(provider => new HttpForwarder(
            provider.GetRequiredService<NodeHandshake>(),
            provider.GetRequiredService<IOptions<KestrelServerOptions>>().Value,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        // First of all filters, so that host filtering and everything after it see the request as the first node saw it.
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, NodeHopFilter>());
        return services;
    }

    private static IServer Make(ServiceDescriptor server, IServiceProvider provider) =>
        (IServer)(server.ImplementationInstance
            ?? server.ImplementationFactory?.Invoke(provider)
            ?? ActivatorUtilities.CreateInstance(provider, server.ImplementationType!));
}
