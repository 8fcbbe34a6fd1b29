using System.Net;
using System.Net.Sockets;

namespace Stateside.SystemTests.Support;

/// <summary>Ports that nobody uses now, below those that the kernel gives to clients.</summary>
internal static class Ports
{
    private const int First = 18200;
    private const int Count = 100;
    private static int s_next;

    public static int Next() => Next(1);

    /// <summary>The first of several in a row.</summary>
    public static int Next(int row)
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + (int)((uint)(Interlocked.Add(ref s_next, row) - row + 1) % Count);
            if (Enumerable.Range(port, row).All(IsFree)) return port;
        }
        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free.");
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
