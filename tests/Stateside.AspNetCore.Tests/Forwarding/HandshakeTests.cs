using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Stateside.AspNetCore.Forwarding;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>Who may speak to the node port: only a node that knows the secret, now.</summary>
public sealed class HandshakeTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly ManualClock _clock = new();

    [Fact]
    public async Task Two_nodes_with_one_secret_know_each_other()
    {
        var (client, server) = await SocketsAsync();
        var accepted = Node("b", 2).AcceptAsync(server, server, default);
        await Node("a", 1).ConnectAsync(client, new("b", 2, "", 0), default).WaitAsync(Soon);
        Assert.Equal(new NodePeer("a", 1), await accepted.WaitAsync(Soon));
    }

    [Theory]
    [InlineData("c", 2), InlineData("b", 3)]
    public async Task Another_node_than_was_meant_is_refused(string name, int incarnation)
    {
        var (client, server) = await SocketsAsync();
        var accepted = Node("b", 2).AcceptAsync(server, server, default);
        await Assert.ThrowsAsync<NodeHandshakeException>(() => Node("a", 1).ConnectAsync(client, new(name, (UInt128)incarnation, "", 0), default));
        client.Dispose();
        await Assert.ThrowsAsync<NodeHandshakeException>(() => accepted.WaitAsync(Soon));
    }

    [Fact]
    public async Task Another_secret_is_refused_by_both_sides()
    {
        var (client, server) = await SocketsAsync();
        var other = new NodeHandshake(() => RandomNumberGenerator.GetBytes(32), () => new("a", 1), _clock);
        var accepted = Node("b", 2).AcceptAsync(server, server, default);
        var refuses = await Assert.ThrowsAsync<NodeHandshakeException>(() => other.ConnectAsync(client, new("b", 2, "", 0), default));
        var refused = await Assert.ThrowsAsync<NodeHandshakeException>(() => accepted.WaitAsync(Soon));
        Assert.Equal(("the other side knows another secret", "the other side knows another secret"), (refuses.Message, refused.Message));
    }

    [Fact]
    public async Task A_node_that_has_not_joined_refuses_whoever_comes()
    {
        await using var app = await TestApp.StartAsync(a => a.MapGet("/", () => ""), new() { Settings = new() { ["Cluster:Listen"] = "127.0.0.1:0", ["States:tally:Place"] = "Node" } });
        var handshake = app.Services.GetRequiredService<NodeHandshake>();
        app.Services.GetRequiredService<Stateside.Turns.StatesideRuntimeHolder>().Publish(null);
        var (client, server) = await SocketsAsync();
        var connecting = Node("a", 1).ConnectAsync(client, new("node", 2, "", 0), default);
        var refused = await Assert.ThrowsAsync<NodeHandshakeException>(() => handshake.AcceptAsync(server, server, default).WaitAsync(Soon));
        Assert.Equal("this node has not joined the cluster yet, or has left it", refused.Message);
        server.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => connecting);
    }

    [Fact]
    public async Task A_recorded_handshake_and_the_servers_own_proof_open_nothing()
    {
        var (client, server) = await SocketsAsync();
        var recorder = new Recorder(client);
        var accepted = Node("b", 2).AcceptAsync(server, server, default);
        await Node("a", 1).ConnectAsync(recorder, new("b", 2, "", 0), default).WaitAsync(Soon);
        await accepted;

        (client, server) = await SocketsAsync();
        accepted = Node("b", 2).AcceptAsync(server, server, default);
        await client.WriteAsync(recorder.Written.ToArray());
        await Assert.ThrowsAsync<NodeHandshakeException>(() => accepted.WaitAsync(Soon));

        (client, server) = await SocketsAsync();
        accepted = Node("b", 2).AcceptAsync(server, server, default);
        await client.WriteAsync(recorder.Written.ToArray().AsMemory(0, 4 + 32 + 1 + 1 + 16));
        var hello = new byte[32 + 1 + 1 + 16 + 32];
        await client.ReadExactlyAsync(hello);
        await client.WriteAsync(hello.AsMemory(^32..));
        await Assert.ThrowsAsync<NodeHandshakeException>(() => accepted.WaitAsync(Soon));
    }

    public static TheoryData<byte[]> Strangers => new()
    {
        Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        new byte[] { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 },
        (byte[])[.. "SSN1"u8, .. new byte[32], 65],
        (byte[])[.. "SSN1"u8, .. new byte[32], 0],
        (byte[])[.. "SSN1"u8, .. new byte[32], 1, 10, .. new byte[16]],
    };

    [Theory]
    [MemberData(nameof(Strangers))]
    public async Task A_stranger_is_refused_at_once(byte[] bytes)
    {
        var (client, server) = await SocketsAsync();
        await client.WriteAsync(bytes);
        await Assert.ThrowsAsync<NodeHandshakeException>(() => Node("b", 2).AcceptAsync(server, server, default).WaitAsync(Soon));
    }

    [Theory]
    [InlineData(0), InlineData(4)]
    public async Task Silence_and_drops_end_after_five_seconds(int bytes)
    {
        var (client, server) = await SocketsAsync();
        var accepted = Node("b", 2).AcceptAsync(server, server, default);
        await _clock.NextWaitAsync().WaitAsync(Soon);
        for (var i = 0; i < bytes; i++)
        {
            await client.WriteAsync("SSN1"u8.ToArray().AsMemory(i, 1));
            _clock.Advance(TimeSpan.FromSeconds(1));
            Assert.False(accepted.IsCompleted);
        }
        _clock.Advance(NodeHandshake.Limit);
        var refused = await Assert.ThrowsAsync<NodeHandshakeException>(() => accepted.WaitAsync(Soon));
        Assert.Equal("the handshake took too long", refused.Message);
    }

    [Fact]
    public async Task The_node_port_closes_on_a_browser()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c => c.Response.WriteAsync("?")));
        using var http = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri($"http://127.0.0.1:{pair.Owner.Port}/")).WaitAsync(Soon));
    }

    private NodeHandshake Node(string name, UInt128 incarnation) => new(() => _secret, () => new(name, incarnation), _clock);

    private static async Task<(Stream Client, Stream Server)> SocketsAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        return (client.GetStream(), (await listener.AcceptTcpClientAsync()).GetStream());
    }
}
