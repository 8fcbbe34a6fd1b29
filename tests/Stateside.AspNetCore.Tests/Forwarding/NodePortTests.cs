using System.Net.Sockets;
using Stateside.AspNetCore.Forwarding;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>The node port itself, against whoever can reach it.</summary>
public sealed class NodePortTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_recorded_connection_opens_nothing_when_it_is_played_back()
    {
        var runs = 0;
        await using var pair = await Pair.StartAsync(app => app.Run(_ =>
        {
            Interlocked.Increment(ref runs);
            return Task.CompletedTask;
        }));
        byte[] said;
        using (var first = await ConnectAsync(pair))
        {
            var recorder = new Recorder(first.GetStream());
            await pair.Handshake("front", 3).ConnectAsync(recorder, pair.Owner, default);
            await recorder.WriteAsync(Request);
            // Settings of the owner: it takes this connection for a node's.
            Assert.Equal(4, (await ReadAsync(first, 9))[3]);
            said = recorder.Written.ToArray();
        }
        await Eventually(() => Volatile.Read(ref runs) == 1);
        using var again = await ConnectAsync(pair);
        await again.GetStream().WriteAsync(said);
        // Its side of a handshake at most, and then the end: the proof does not fit.
        var answered = 0;
        while (!await IsClosedAsync(again)) answered++;
        Assert.InRange(answered, 0, 32 + 1 + "owner".Length + 16 + 32);
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task Connections_that_prove_nothing_are_bounded_in_number_and_in_time()
    {
        var clock = new ManualClock();
        await using var pair = await Pair.StartAsync(app => app.Run(c => c.Response.WriteAsync("served")), new Pair { OwnerTime = clock });
        var silent = new List<TcpClient>();
        for (var i = 0; i < 256; i++) silent.Add(await ConnectAsync(pair));
        // One more is closed at once, once the others have been taken.
        await Eventually(async () =>
        {
            try
            {
                using var more = await ConnectAsync(pair);
                return await IsClosedAsync(more, TimeSpan.FromSeconds(1));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                return true;
            }
        });
        await Eventually(async () =>
        {
            clock.Advance(NodeHandshake.Limit);
            return await IsClosedAsync(silent[0], TimeSpan.FromMilliseconds(50)) && await IsClosedAsync(silent[^1], TimeSpan.FromMilliseconds(50));
        });
        Assert.Equal("served", await pair.Client.GetStringAsync("/").WaitAsync(Soon));
        foreach (var client in silent) client.Dispose();
    }

    [Fact]
    public async Task A_node_that_reads_nothing_any_more_is_given_up_with_its_requests()
    {
        var (came, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.RequestAborted.Register(gone.SetResult);
            came.SetResult();
            await gone.Task;
        }));
        using var node = await ConnectAsync(pair);
        await pair.Handshake("front", 3).ConnectAsync(node.GetStream(), pair.Owner, default);
        await node.GetStream().WriteAsync(Request);
        await came.Task.WaitAsync(Soon);
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(40));
    }

    /// <summary>The preface of HTTP/2, empty settings, and a GET of "/" that ends there.</summary>
    private static byte[] Request => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, (byte)'h'];

    private static async Task<TcpClient> ConnectAsync(Pair pair)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, pair.Owner.Port);
        return client;
    }

    private static async Task<byte[]> ReadAsync(TcpClient client, int count)
    {
        var bytes = new byte[count];
        await client.GetStream().ReadExactlyAsync(bytes).AsTask().WaitAsync(Soon);
        return bytes;
    }

    private static async Task<bool> IsClosedAsync(TcpClient client, TimeSpan? within = null)
    {
        using var limit = new CancellationTokenSource(within ?? Soon);
        try
        {
            return await client.GetStream().ReadAsync(new byte[1], limit.Token) == 0;
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static Task Eventually(Func<bool> holds) => Eventually(() => Task.FromResult(holds()));

    private static async Task Eventually(Func<Task<bool>> holds)
    {
        using var limit = new CancellationTokenSource(Soon);
        while (!await holds()) await Task.Delay(10, limit.Token);
    }
}
