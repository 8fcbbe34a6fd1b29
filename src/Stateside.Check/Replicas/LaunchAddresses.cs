using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Stateside.Check.Replicas;

/// <summary>Gives addresses to launched replicas.</summary>
/// <param name="isOfOnePort">Whether all get one port, each on a loopback address of its own; else each gets a port of 127.0.0.1.</param>
internal sealed class LaunchAddresses(bool isOfOnePort)
{
    private const int MostHosts = 250;
    private const int FirstPort = 22_100;
    private const int EndOfPorts = 30_000;
    private static readonly HashSet<int> s_drawn = [];
    private readonly Lock _lock = new();
    private int _port;
    private int _given;

    /// <summary>An address on which nobody listens now.</summary>
    public Uri Next()
    {
        lock (_lock)
        {
            // Where others of this machine use the port on some address, all go on with another one.
            while (isOfOnePort)
            {
                if (_port == 0) _port = FreePort(IPAddress.Loopback);
                var host = new IPAddress([127, 0, 0, (byte)(1 + _given++ % MostHosts)]);
                if (IsFree(host, _port)) return Address(host, _port);
                if (_given > MostHosts) _port = 0;
            }
        }
        return Address(IPAddress.Loopback, FreePort(IPAddress.Loopback));
    }

    private static Uri Address(IPAddress host, int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://{host}:{port}"));

    /// <summary>
    /// A port that nobody uses now, below those that the kernel gives to clients, so that it is free again after a restart. Drawn, since several programs may look at once;
    /// and in this one none twice while there are others: who drew it may not listen yet, or be killed just now.
    /// </summary>
    private static int FreePort(IPAddress host)
    {
        lock (s_drawn)
        {
            while (true)
            {
                if (s_drawn.Count == EndOfPorts - FirstPort) s_drawn.Clear();
                var port = RandomNumberGenerator.GetInt32(FirstPort, EndOfPorts);
                if (s_drawn.Add(port) && IsFree(host, port)) return port;
            }
        }
    }

    private static bool IsFree(IPAddress host, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(host, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
