using System.Globalization;
using System.Text;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis.Tests;

/// <summary>What stands in Redis, byte by byte (ADR 0003): a change that alters it can no longer read what was stored.</summary>
public sealed class LayoutTests
{
    private const string Us = "\u001F";
    private static readonly Group s_group = Group.Keyed("42");
    private static readonly StateKey s_key = new(s_group, "cart", "i");
    private static readonly TurnId s_turn = new(new UInt128(0x0102030405060708, 0x090A0B0C0D0E0F10));
    private static readonly string s_tag = string.Create(CultureInfo.InvariantCulture, $"ss:{{{s_group.Shard}}}:");

    private static Commit Everything => new(s_group, s_turn)
    {
        Rows = [new RowWrite(s_key, RowChange.Put, new StateVersion(6, new TurnId(5))) { Body = "{}"u8.ToArray(), Schema = 3, Sequence = 8, TimeToLive = TimeSpan.FromSeconds(2), Events = ["ev"u8.ToArray()] }],
        Receipt = new ReceiptWrite(new ReceiptId(1, 2), ReceiptStatus.Recorded, new ReceiptId(3, 4), "re"u8.ToArray(), TimeSpan.FromSeconds(5)) { Claim = new TurnId(9), Lease = TimeSpan.FromSeconds(1), ExpectedClaim = new TurnId(7) },
        Effects = [new EffectWrite("id", "mail", "bo"u8.ToArray(), TimeSpan.FromSeconds(4))],
        EffectsDone = ["old"],
        Fence = new Fence(s_group.Shard, 77),
    };

    [Fact]
    public void The_keys_are_those_of_the_decision_record()
    {
        var receipt = Encoding.Latin1.GetString(Convert.FromHexString("0000000000000000000000000000000100000000000000000000000000000002"));
        Assert.Equal([$"{s_tag}g:k:42", $"{s_tag}r:k:42{Us}cart{Us}i", $"{s_tag}f", $"{s_tag}a:k:42{Us}{receipt}", $"{s_tag}d", $"{s_tag}e"],
            RedisCommit.Keys(new RedisLayout("ss:"), Everything, s_group.Shard).Select(k => Encoding.Latin1.GetString(k.Span)));
        Assert.Equal("ss:{0}:layout", Encoding.UTF8.GetString(new RedisLayout("ss:").Marker));
    }

    [Fact]
    public void The_arguments_are_those_that_the_script_describes()
    {
        string[] expected =
        [
            Hex("e"u8), "07" + "00000001" + "00000001", Hex("77"u8),
            "00000000000000000000000000000007", Hex("5000"u8), Hex("1000"u8), "02",
            "0000000000000000000000000000000300000000000000000000000000000004" + "00000000000000000000000000000009" + Hex("re"u8),
            "0000000000000006" + "00000000000000000000000000000005", Hex("2000"u8),
            "0000000000000007" + "0102030405060708090A0B0C0D0E0F10" + "00000003" + "0000000000000009" + Hex("{}"u8),
            Hex("1"u8), "0000000000000009" + "0102030405060708090A0B0C0D0E0F10" + "00000003" + Hex("ev"u8),
            Hex("k:42\u001Fold"u8), Hex("k:42\u001Fid"u8), Hex("4000"u8), "0004" + Hex("mailbo"u8),
        ];
        Assert.Equal(expected, RedisCommit.Arguments(Everything).Select(a => Convert.ToHexString(a.Span)));
    }

    [Fact]
    public void A_stored_row_is_read_as_it_was_stored()
    {
        var bytes = Convert.FromHexString("01" + "00000000000003E8" + "0000000000000007" + "0102030405060708090A0B0C0D0E0F10" + "00000003" + "0000000000000009" + "7B7D");
        var row = RowValue.Read(s_key, bytes, 900, new RowCache());
        Assert.Equal((true, new StateVersion(7, s_turn), 3, 9L, TimeSpan.FromMilliseconds(100)), (row.Exists, row.Version, row.Schema, row.Sequence, row.Remaining));
        Assert.Equal("{}", Encoding.UTF8.GetString(row.Body.Span));
        var gone = RowValue.Read(s_key, bytes, 1000, new RowCache());
        Assert.Equal((false, new StateVersion(7, s_turn)), (gone.Exists, gone.Version));
        bytes[0] = 2;
        Assert.False(RowValue.Read(s_key, bytes.AsMemory(0, RowValue.TombstoneSize), 0, new RowCache()).Exists);
    }

    [Fact]
    public void Every_cut_of_a_stored_value_is_refused_or_read_and_nothing_else()
    {
        var value = new byte[100];
        foreach (var kind in new byte[] { 0, 1, 2, 255 })
            for (var length = 1; length < value.Length; length++)
            {
                value[0] = kind;
                foreach (var read in (Action<byte[]>[])[b => RowValue.Read(s_key, b, 0, new RowCache()), b => ReceiptValue.Read(default, b, 0), b => EventValue.Read(b), b => EffectValue.Read(b, b)])
                    if (Record.Exception(() => read(value[..length])) is { } e) Assert.IsType<FormatException>(e);
            }
    }

    [Theory]
    [InlineData("ss:{17}:r:k:42\u001Fcart\u001F", true)]
    [InlineData("ss:{17}:r:k:}:r:\u001Fcart\u001Fa", true)]
    [InlineData("ss:{17}:g:k:42", false)]
    [InlineData("ss:{17}:j:k:42\u001Fcart\u001F", false)]
    [InlineData("ss:{17}:r:k:42", false)]
    [InlineData("ss:{17}:r:\u001Fcart\u001F", false)]
    [InlineData("other:{17}:r:k:42\u001Fcart\u001F", false)]
    [InlineData("", false)]
    public void Only_the_key_of_a_row_names_a_state(string key, bool isRow) => Assert.Equal(isRow, new RedisLayout("ss:").TryReadRow(Encoding.UTF8.GetBytes(key), out _));

    private static string Hex(ReadOnlySpan<byte> text) => Convert.ToHexString(text);
}
