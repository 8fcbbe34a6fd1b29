using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>
/// Proves to both ends of a new connection that the other knows the cluster's secret, and which node it is. Each side adds a nonce of its
/// own and answers for all that was said before, under a label of its role, so that neither a recorded handshake nor the other side's own
/// proof can be played back; no clock is involved. It authenticates and does not encrypt: whoever can read the network can read the
/// requests, and whoever can change packets can take over a connection that is already proved. Keep the node port on a network that only
/// the nodes share, or under an encrypting layer.
/// </summary>
/// <param name="secret">Asked for at each connection: 32 bytes, the same on all nodes.</param>
/// <param name="self">Asked for at each connection: the name (1 to 64 visible ASCII characters) and incarnation of this node, which may come back as a new one.</param>
/// <param name="time">Bounds the handshake.</param>
internal sealed class NodeHandshake(Func<ReadOnlyMemory<byte>> secret, Func<NodePeer> self, TimeProvider time)
{
    /// <summary>The length of a nonce and of a proof, in bytes.</summary>
    private const int Block = 32;
    private const int MaxName = 64;
    private const int MaxTranscript = 4 + Block + 1 + MaxName + 16 + Block + 1 + MaxName + 16 + Block;
    private const byte Ok = 1;
    private const string OtherSecret = "the other side knows another secret";
    private readonly Func<ReadOnlyMemory<byte>> _secret = secret;

    /// <summary>Within this time the other side has proved itself, or the connection is closed.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The first bytes of every connection.</summary>
    private static ReadOnlySpan<byte> Magic => "SSN1"u8;

    /// <summary>The side that opened the connection.</summary>
    /// <exception cref="NodeHandshakeException">The other end is not the node that was meant, or knows another secret, or was too slow.</exception>
    public Task ConnectAsync(Stream stream, NodeAddress to, CancellationToken cancellationToken) => BoundAsync(async limit =>
    {
        var transcript = new Transcript();
        Magic.CopyTo(transcript.Next(Magic.Length).Span);
        Hello(transcript);
        await stream.WriteAsync(transcript.Written, limit);
        var server = await ReadHelloAsync(stream, transcript, limit);
        if (!await IsProvedAsync(stream, transcript, "server"u8.ToArray(), limit))
        {
            // The other side then knows why, too; what it gets proves nothing to it.
            await stream.WriteAsync(RandomNumberGenerator.GetBytes(Block), limit);
            throw new NodeHandshakeException(OtherSecret);
        }
        // Only now is the name worth anything: before, anybody could have said it.
        if (server.Name != to.Name || server.Incarnation != to.Incarnation) throw new NodeHandshakeException("another node, or another start of it, listens there");
        await stream.WriteAsync(Proof("client"u8, transcript.Written.Span), limit);
        var answer = new byte[1];
        await stream.ReadExactlyAsync(answer, limit);
        if (answer[0] != Ok) throw new NodeHandshakeException("the node did not accept the handshake");
        return server;
    }, cancellationToken);

    /// <summary>The side that was connected to. It reads no byte beyond the handshake.</summary>
    /// <returns>Who connected.</returns>
    /// <exception cref="NodeHandshakeException">The other end is no node of this cluster, or was too slow.</exception>
    public Task<NodePeer> AcceptAsync(Stream input, Stream output, CancellationToken cancellationToken) => BoundAsync(async limit =>
    {
        var transcript = new Transcript();
        var magic = transcript.Next(Magic.Length);
        await input.ReadExactlyAsync(magic, limit);
        if (!magic.Span.SequenceEqual(Magic)) throw new NodeHandshakeException("no handshake: something else speaks to the node port");
        var client = await ReadHelloAsync(input, transcript, limit);
        var said = transcript.Written.Length;
        Hello(transcript);
        var proof = Proof("server"u8, transcript.Written.Span);
        proof.CopyTo(transcript.Next(Block));
        await output.WriteAsync(transcript.Written[said..], limit);
        await output.FlushAsync(limit);
        if (!await IsProvedAsync(input, transcript, "client"u8.ToArray(), limit)) throw new NodeHandshakeException(OtherSecret);
        await output.WriteAsync(new[] { Ok }, limit);
        await output.FlushAsync(limit);
        return client;
    }, cancellationToken);

    private async Task<NodePeer> BoundAsync(Func<CancellationToken, Task<NodePeer>> shake, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await shake(both.Token);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new NodeHandshakeException("the handshake took too long", e);
        }
        catch (Exception e) when (e is EndOfStreamException or (IOException and not NodeHandshakeException))
        {
            throw new NodeHandshakeException("the connection was closed during the handshake", e);
        }
    }

    private void Hello(Transcript transcript)
    {
        RandomNumberGenerator.Fill(transcript.Next(Block).Span);
        var own = self();
        transcript.Next(1).Span[0] = (byte)own.Name.Length;
        Encoding.ASCII.GetBytes(own.Name, transcript.Next(own.Name.Length).Span);
        BinaryPrimitives.WriteUInt128BigEndian(transcript.Next(16).Span, own.Incarnation);
    }

    private static async Task<NodePeer> ReadHelloAsync(Stream stream, Transcript transcript, CancellationToken cancellationToken)
    {
        var head = transcript.Next(Block + 1);
        await stream.ReadExactlyAsync(head, cancellationToken);
        int length = head.Span[Block];
        if (length is 0 or > MaxName) throw new NodeHandshakeException("a node's name is too long or empty");
        var rest = transcript.Next(length + 16);
        await stream.ReadExactlyAsync(rest, cancellationToken);
        if (!IsName(rest.Span[..length])) throw new NodeHandshakeException("a node's name is invalid");
        return new(Encoding.ASCII.GetString(rest.Span[..length]), BinaryPrimitives.ReadUInt128BigEndian(rest.Span[length..]));
    }

    private async Task<bool> IsProvedAsync(Stream stream, Transcript transcript, byte[] role, CancellationToken cancellationToken)
    {
        var expected = Proof(role, transcript.Written.Span);
        var proof = transcript.Next(Block);
        await stream.ReadExactlyAsync(proof, cancellationToken);
        return CryptographicOperations.FixedTimeEquals(proof.Span, expected);
    }

    private byte[] Proof(ReadOnlySpan<byte> role, ReadOnlySpan<byte> transcript)
    {
        var key = _secret();
        // A short key, or none, would let anybody in.
        if (key.Length != Block) throw new InvalidOperationException("The cluster's secret has 32 bytes.");
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Span);
        hmac.AppendData(role);
        hmac.AppendData(transcript);
        return hmac.GetHashAndReset();
    }

    private static bool IsName(ReadOnlySpan<byte> name) => name.Length is > 0 and <= MaxName && !name.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e);

    /// <summary>Everything that both sides have said so far, in order.</summary>
    private sealed class Transcript
    {
        private readonly byte[] _bytes = new byte[MaxTranscript];
        private int _length;

        public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

        public Memory<byte> Next(int length)
        {
            var next = _bytes.AsMemory(_length, length);
            _length += length;
            return next;
        }
    }
}
