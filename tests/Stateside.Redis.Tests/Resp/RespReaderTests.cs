using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Stateside.Redis.Resp;

namespace Stateside.Redis.Tests.Resp;

/// <summary>The parser against the examples of the specification, in every piece they can come in, and against what no server should send.</summary>
public sealed class RespReaderTests
{
    private static readonly JsonElement[] s_cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "resp3-examples.json"))).RootElement.GetProperty("cases").EnumerateArray().ToArray();

    public static TheoryData<string> Cases => [.. s_cases.Select(c => c.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void RSP_01_Every_example_is_read_whole_byte_by_byte_and_split_at_every_point(string name)
    {
        var example = s_cases.Single(c => c.GetProperty("name").GetString() == name);
        var bytes = Bytes(example);
        Check(example, [bytes]);
        Check(example, [.. bytes.Select(b => new[] { b })]);
        if (bytes.Length > 1000) return;
        for (var at = 1; at < bytes.Length; at++) Check(example, [bytes[..at], bytes[at..]]);
    }

    [Theory]
    [InlineData("$34603009\r\n")]
    [InlineData("*1048577\r\n")]
    [InlineData("%524289\r\n")]
    [InlineData("*9223372036854775807\r\n")]
    [InlineData("$?\r\n;34603009\r\n")]
    public void RSP_02_What_is_announced_beyond_the_limits_is_refused_before_anything_is_allocated(string text)
    {
        var bytes = new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(text));
        Refuses(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refuses(bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * 1024);
    }

    [Fact]
    public void RSP_02_What_is_announced_within_the_limits_is_allocated_as_it_comes()
    {
        // 31 times a million items, one in the other: nothing of it has come yet.
        var bytes = new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*1000000\r\n", 31)) + "$30000000\r\n"));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(new RespReader(new RespLimits()).TryRead(ref bytes, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512 * 1024);
    }

    [Fact]
    public void RSP_02_Lines_depth_and_whole_replies_are_bounded()
    {
        Refuses(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes("+" + new string('x', 70_000))));
        Refuses(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*1\r\n", 33)))));
        Refuses(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes("*?\r\n" + string.Concat(Enumerable.Repeat("$4\r\nabcd\r\n", 100)))), new RespLimits { ReplyBytes = 500 });
        Refuses(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes("*?\r\n" + string.Concat(Enumerable.Repeat(":1\r\n", 100)))), new RespLimits { Items = 50 });
    }

    [Fact]
    public void A_large_string_in_small_pieces_takes_time_in_proportion()
    {
        var large = new byte[16 * 1024 * 1024];
        new Random(1).NextBytes(large);
        var reader = new RespReader(new RespLimits());
        byte[] all = [.. Encoding.ASCII.GetBytes($"${large.Length}\r\n"), .. large, .. "\r\n"u8];
        var buffer = ReadOnlySequence<byte>.Empty;
        var reads = 0;
        RespValue value = default;
        for (var at = 0; at < all.Length; at += 4096)
        {
            buffer = Join(buffer, all.AsSpan(at, Math.Min(4096, all.Length - at)));
            // What was read is not kept for the next time.
            Assert.True(buffer.Length <= 8192);
            if (reader.TryRead(ref buffer, out value)) reads++;
        }
        Assert.Equal(1, reads);
        Assert.True(value.Bytes.Span.SequenceEqual(large));
    }

    [Fact]
    public void A_million_mutated_replies_raise_nothing_but_a_protocol_error_and_allocate_in_proportion()
    {
        var random = new Random(20_101);
        var seeds = s_cases.Select(Bytes).Where(b => b.Length < 1000).ToArray();
        var reader = new RespReader(new RespLimits());
        var (read, refused) = (0, 0);
        var rest = ReadOnlySequence<byte>.Empty;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1_000_000; round++)
        {
            var buffer = Join(rest, Mutate(random, seeds));
            try
            {
                var found = 0;
                while (reader.TryRead(ref buffer, out _)) found++;
                if (found > 0) read++;
                rest = buffer;
                // Half of one reply and the beginning of the next is what a reader must live with; now and then it starts anew.
                if (round % 4 != 0) continue;
            }
            catch (RespProtocolException)
            {
                refused++;
            }
            (reader, rest) = (new RespReader(new RespLimits()), ReadOnlySequence<byte>.Empty);
        }
        Assert.InRange(read, 50_000, 1_000_000);
        Assert.InRange(refused, 50_000, 1_000_000);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1_000_000, 0, 32 * 1024);
    }

    [Fact]
    public void RSP_03_A_push_may_come_before_any_reply()
    {
        var replies = ReadAll([Encoding.ASCII.GetBytes(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n+OK\r\n>1\r\n+x\r\n:5\r\n")]);
        Assert.Equal([RespKind.Push, RespKind.Simple, RespKind.Push, RespKind.Integer], replies.Select(r => r.Kind));
    }

    private static void Check(JsonElement example, byte[][] pieces)
    {
        if (example.TryGetProperty("mustError", out _))
        {
            Assert.Throws<RespProtocolException>(() => ReadAll(pieces));
            return;
        }
        var replies = ReadAll(pieces);
        if (example.TryGetProperty("mustWaitForMore", out _))
        {
            Assert.Empty(replies);
            return;
        }
        var expected = example.GetProperty("expect");
        var frames = expected.TryGetProperty("frames", out var several) ? several.EnumerateArray().ToArray() : [expected];
        Assert.Equal(frames.Length, replies.Count);
        for (var i = 0; i < frames.Length; i++) CheckFrame(frames[i], replies[i]);
    }

    private static void CheckFrame(JsonElement expected, RespValue reply)
    {
        Assert.Equal(expected.GetProperty("t").GetString() switch
        {
            "blob" => RespKind.Blob,
            "simple" => RespKind.Simple,
            "error" => RespKind.Error,
            "int" => RespKind.Integer,
            "null" => RespKind.Null,
            "double" => RespKind.Double,
            "bool" => RespKind.Boolean,
            "verbatim" => RespKind.Verbatim,
            "big" => RespKind.BigNumber,
            "array" => RespKind.Array,
            "map" => RespKind.Map,
            "set" => RespKind.Set,
            "push" => RespKind.Push,
            var other => throw new InvalidOperationException(other),
        }, reply.Kind);
        if (expected.TryGetProperty("code", out var code)) Assert.True(reply.IsErrorOf(Encoding.ASCII.GetBytes(code.GetString()!)));
        if (expected.TryGetProperty("v", out var value)) CheckValue(value, reply);
    }

    private static void CheckValue(JsonElement expected, RespValue reply)
    {
        switch (reply.Kind)
        {
            case RespKind.Map:
                Assert.Equal(2 * expected.GetArrayLength(), reply.Items.Length);
                foreach (var (pair, i) in expected.EnumerateArray().Select((p, i) => (p, i)))
                {
                    CheckValue(pair[0], reply.Items[2 * i]);
                    CheckValue(pair[1], reply.Items[2 * i + 1]);
                }
                break;
            case RespKind.Array or RespKind.Set or RespKind.Push:
                Assert.Equal(expected.GetArrayLength(), reply.Items.Length);
                foreach (var (item, i) in expected.EnumerateArray().Select((e, i) => (e, i))) CheckValue(item, reply.Items[i]);
                break;
            case RespKind.Boolean:
                Assert.Equal(expected.GetBoolean() ? 1 : 0, reply.Number);
                break;
            case RespKind.Integer:
                Assert.Equal(long.Parse(expected.ToString(), CultureInfo.InvariantCulture), reply.Number);
                break;
            case RespKind.Double when expected.GetString() == "nan":
                Assert.EndsWith("nan", reply.Text, StringComparison.Ordinal);
                break;
            default:
                Assert.Equal(expected.GetString(), reply.Text);
                break;
        }
    }

    /// <summary>Feeds the pieces one after another, as a connection does, and keeps what has not been read.</summary>
    private static List<RespValue> ReadAll(byte[][] pieces)
    {
        var reader = new RespReader(new RespLimits());
        var replies = new List<RespValue>();
        var buffer = ReadOnlySequence<byte>.Empty;
        foreach (var piece in pieces)
        {
            buffer = Join(buffer, piece);
            while (reader.TryRead(ref buffer, out var reply)) replies.Add(reply);
        }
        return replies;
    }

    /// <summary>In two segments, so that what spans them is read too.</summary>
    private static ReadOnlySequence<byte> Join(ReadOnlySequence<byte> rest, ReadOnlySpan<byte> more)
    {
        if (rest.IsEmpty) return new ReadOnlySequence<byte>(more.ToArray());
        var first = new Segment(rest.ToArray(), 0);
        var second = first.Add(more.ToArray());
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    private static void Refuses(ReadOnlySequence<byte> bytes, RespLimits? limits = null) =>
        Assert.Throws<RespProtocolException>(() => new RespReader(limits ?? new RespLimits()).TryRead(ref bytes, out _));

    private static byte[] Bytes(JsonElement example)
    {
        if (example.TryGetProperty("hex", out var hex)) return Convert.FromHexString(hex.GetString()!);
        var unit = Convert.FromHexString(example.GetProperty("repeatHex").GetString()!);
        return [.. Enumerable.Repeat(unit, example.GetProperty("repeat").GetInt32()).SelectMany(u => u), .. Convert.FromHexString(example.GetProperty("tailHex").GetString()!)];
    }

    private static byte[] Mutate(Random random, byte[][] seeds)
    {
        var bytes = new List<byte>(seeds[random.Next(seeds.Length)]);
        for (var n = random.Next(4); n > 0 && bytes.Count > 0; n--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveAt(at); break;
                case 2: bytes.Insert(at, "$*%~>|!=;.:,#_(+-?\r\n0123456789"u8[random.Next(30)]); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                default: bytes.AddRange(seeds[random.Next(seeds.Length)]); break;
            }
        }
        return [.. bytes];
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, long index) => (Memory, RunningIndex) = (bytes, index);

        public Segment Add(byte[] bytes)
        {
            var next = new Segment(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
