using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Stateside.AspNetCore.Http;
using Stateside.Cluster;
using Stateside.Configuration;
using Stateside.Turns;

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
        services.AddSingleton(provider => new NodePortServer(
            Make(server, provider),
            settings(provider),
            provider.GetRequiredService<NodeHandshake>(),
            provider.GetRequiredService<IOptions<KestrelServerOptions>>().Value,
            provider,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        services.Replace(ServiceDescriptor.Singleton<IServer>(provider => provider.GetRequiredService<NodePortServer>()));
        return services.AddForwarder(handshake).AddHopFilter();
    }

    /// <summary>Adds what carries requests to other nodes, for an application that none of them reaches.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="handshake">This node's side of every handshake.</param>
    public static IServiceCollection AddForwarder(this IServiceCollection services, Func<IServiceProvider, NodeHandshake> handshake)
    {
        services.AddSingleton(handshake);
        services.AddSingleton(provider => new HttpForwarder(
            provider.GetRequiredService<NodeHandshake>(),
            provider.GetRequiredService<IOptions<KestrelServerOptions>>().Value,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        return services;
    }

    /// <summary>Adds what the configuration says of this node among others: nothing, a forwarder, or a node port too.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="section">The configuration section.</param>
    public static IServiceCollection AddNodes(this IServiceCollection services, IConfiguration section)
    {
        services.TryAddSingleton<OwnerRouting>();
        var listen = section[ConfigurationEntries.ClusterListen.Path];
        if (string.IsNullOrEmpty(listen))
        {
            services.AddForwarder(Handshake);
            return section[ConfigurationEntries.Role.Path] is null ? services : services.AddHopFilter();
        }
        services.AddSingleton<INodePort>(provider => provider.GetRequiredService<NodePortServer>());
        // A wrong value is told with all other faults, when the configuration is read as a whole.
        var at = IPEndPoint.TryParse(listen, out var parsed) ? parsed : new IPEndPoint(IPAddress.Loopback, 0);
        return services.AddNodePort(_ => new NodePortSettings(at.Address, at.Port), Handshake);
    }

    /// <summary>First of all filters, so that host filtering and everything after it see the request as the first node saw it.</summary>
    private static IServiceCollection AddHopFilter(this IServiceCollection services)
    {
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, NodeHopFilter>());
        return services;
    }

    private static NodeHandshake Handshake(IServiceProvider provider)
    {
        var holder = provider.GetRequiredService<StatesideRuntimeHolder>();
        return new NodeHandshake(() => Secret(Runtime(holder)), () => Self(Runtime(holder)), provider.GetRequiredService<TimeProvider>());
    }

    /// <summary>The port listens before the node has joined, and until after it has left.</summary>
    private static StatesideRuntime Runtime(StatesideRuntimeHolder holder) =>
        holder.Current is { Cluster.View: not null } runtime ? runtime : throw new NodeHandshakeException("this node has not joined the cluster yet, or has left it");

    private static NodePeer Self(StatesideRuntime runtime) => new(runtime.Cluster!.Self.Name, runtime.Cluster.Self.Incarnation);

    /// <summary>What only the nodes know: the secret that the store keeps for them and, if there is one, that of the configuration.</summary>
    private static byte[] Secret(StatesideRuntime runtime)
    {
        var given = runtime.Model.Cluster.Secrets;
        return HMACSHA256.HashData(given.Count == 0 ? [] : given[0], runtime.Cluster!.View!.Secret);
    }

    private static IServer Make(ServiceDescriptor server, IServiceProvider provider) =>
        (IServer)(server.ImplementationInstance
            ?? server.ImplementationFactory?.Invoke(provider)
            ?? ActivatorUtilities.CreateInstance(provider, server.ImplementationType!));
}
