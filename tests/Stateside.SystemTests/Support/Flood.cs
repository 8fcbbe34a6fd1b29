using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Stateside.SystemTests.Support;

/// <summary>An answer in a flood.</summary>
/// <param name="Status">The status.</param>
/// <param name="Head">Status line and headers.</param>
/// <param name="Body">The content.</param>
/// <param name="Took">From the last byte sent to the last byte received.</param>
internal sealed record FloodReply(int Status, string Head, string Body, TimeSpan Took);

/// <summary>Many connections at once, each of its own and each with one request. An HTTP client would queue and pool them.</summary>
internal static class Flood
{
    /// <summary>Opens all connections first, then sends all requests at once.</summary>
    public static async Task<FloodReply[]> PostAsync(Uri url, int connections, Func<int, string> path)
    {
        var sockets = new Socket[connections];
        try
        {
            // The kernel's queue of connections that nobody has accepted yet is short.
            await Parallel.ForAsync(0, connections, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, token) =>
            {
                sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await sockets[i].ConnectAsync(url.Host, url.Port, token);
            });
            return await Task.WhenAll(sockets.Select((socket, i) => AskAsync(socket, path(i))));
        }
        finally
        {
            foreach (var socket in sockets) socket?.Dispose();
        }
    }

    private static async Task<FloodReply> AskAsync(Socket socket, string path)
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        var begun = Stopwatch.GetTimestamp();
        var answer = new MemoryStream();
        var buffer = new byte[2048];
        while (await socket.ReceiveAsync(buffer) is > 0 and var read) answer.Write(buffer, 0, read);
        var text = Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(end > 0, $"The connection was closed without an answer: \"{text}\"");
        return new FloodReply(int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture), text[..end], text[(end + 4)..], Stopwatch.GetElapsedTime(begun));
    }
}
