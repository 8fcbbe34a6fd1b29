using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Stateside.Sealing;

namespace Stateside.Tests.Sealing;

/// <summary>What a seal is and is not opened by.</summary>
public sealed class SealerTests
{
    private static readonly SealPurpose s_cart = new("state", "cart", "s:AAAAAAAAAAAAAAAAAAAAAA");
    private static readonly byte[] s_content = Encoding.UTF8.GetBytes("""{"lines":[{"product_id":"xyz","quantity":2}]}""");

    private static SealKey NewKey() => new(SealKeyId.New(), RandomNumberGenerator.GetBytes(32));

    private static Sealer NewSealer(SealKey? key = null, string application = "shop", long sealsBySubkey = Sealer.SealsBySubkey)
    {
        var active = key ?? NewKey();
        return new Sealer(application, new SealKeys(active, [active]), null, sealsBySubkey);
    }

    private static bool Opens(Sealer sealer, SealPurpose purpose, string token) => sealer.TryOpen(purpose, token, out _) == SealOpening.Opened;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(40_000)]
    public void What_is_sealed_opens_again(int bytes)
    {
        var sealer = NewSealer();
        var content = RandomNumberGenerator.GetBytes(bytes);
        var token = sealer.Seal(s_cart, content);
        Assert.Equal(Sealer.SealedLength(bytes), token.Length);
        Assert.Equal(SealOpening.Opened, sealer.TryOpen(s_cart, token, out var opened));
        Assert.Equal(content, opened);
    }

    [Fact]
    public void Processes_with_one_key_open_each_other_s_seals()
    {
        var key = NewKey();
        Assert.True(Opens(NewSealer(key), s_cart, NewSealer(key).Seal(s_cart, s_content)));
    }

    [Fact]
    public void SEA_01_Every_bit_counts()
    {
        var sealer = NewSealer();
        var bytes = Base64Url.DecodeFromChars(sealer.Seal(s_cart, s_content));
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.NotEqual(SealOpening.Opened, sealer.TryOpen(s_cart, Base64Url.EncodeToString(bytes), out var content));
            Assert.Empty(content);
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }
        Assert.True(Opens(sealer, s_cart, Base64Url.EncodeToString(bytes)));
    }

    [Fact]
    public void SEA_01_Nothing_may_be_cut_off_put_on_or_put_together()
    {
        var sealer = NewSealer();
        var (one, two) = (sealer.Seal(s_cart, s_content), sealer.Seal(s_cart, s_content));
        for (var length = 0; length < one.Length; length++)
        {
            Assert.False(Opens(sealer, s_cart, one[..length]));
            Assert.False(Opens(sealer, s_cart, one[^length..] + "A"));
            if (length > 0) Assert.False(Opens(sealer, s_cart, one[..length] + two[length..]) && one[..length] != two[..length] && one[length..] != two[length..]);
        }
        foreach (var more in new[] { "A", "=", "==", " ", "\n", "\0", "AAAA", "é", one }) Assert.False(Opens(sealer, s_cart, one + more));
    }

    [Fact]
    public void SEA_01_The_text_itself_has_one_form()
    {
        var sealer = NewSealer();
        // 46 and 47 bytes leave unused bits in the last character.
        foreach (var extra in new[] { 1, 2 })
        {
            var token = sealer.Seal(s_cart, new byte[extra]);
            foreach (var last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
                Assert.Equal(last == token[^1], Opens(sealer, s_cart, token[..^1] + last));
            Assert.False(Opens(sealer, s_cart, token.Replace('-', '+').Replace('_', '/') + "="));
        }
    }

    [Fact]
    public void SEA_02_Nothing_of_the_content_is_given_out_before_it_is_known_to_be_genuine()
    {
        var sealer = NewSealer();
        var bytes = Base64Url.DecodeFromChars(sealer.Seal(s_cart, s_content));
        bytes[^1] ^= 1;
        Assert.Equal(SealOpening.Refused, sealer.TryOpen(s_cart, Base64Url.EncodeToString(bytes), out var content));
        Assert.Empty(content);
    }

    [Fact]
    public void SEA_03_A_seal_does_not_open_for_another_purpose_owner_or_application()
    {
        var key = NewKey();
        var token = NewSealer(key).Seal(s_cart, s_content);
        Assert.False(Opens(NewSealer(key), s_cart with { Kind = "session" }, token));
        Assert.False(Opens(NewSealer(key), s_cart with { Name = "order" }, token));
        Assert.False(Opens(NewSealer(key), s_cart with { Owner = "s:AAAAAAAAAAAAAAAAAAAAAQ" }, token));
        Assert.False(Opens(NewSealer(key, "admin"), s_cart, token));
        Assert.False(Opens(NewSealer(), s_cart, token));
    }

    [Fact]
    public void SEA_03_Where_one_part_of_the_purpose_ends_and_the_next_begins_counts_too()
    {
        var sealer = NewSealer();
        Assert.False(Opens(sealer, new("a", "bc", "d"), sealer.Seal(new("ab", "c", "d"), s_content)));
        Assert.False(Opens(sealer, new("a", "b", "cd"), sealer.Seal(new("a", "bc", "d"), s_content)));
    }

    [Fact]
    public void SEA_09_An_old_key_opens_a_new_one_seals_and_an_unknown_one_does_neither()
    {
        var (old, next) = (NewKey(), NewKey());
        var sealer = NewSealer(old);
        var before = sealer.Seal(s_cart, s_content);
        sealer.Keys = new SealKeys(next, [old, next]);
        var after = sealer.Seal(s_cart, s_content);
        Assert.True(Opens(sealer, s_cart, before) && Opens(sealer, s_cart, after));
        Assert.True(Opens(NewSealer(next), s_cart, after));
        Assert.Equal(SealOpening.UnknownKey, NewSealer(old).TryOpen(s_cart, after, out _));
        sealer.Keys = new SealKeys(next, [next]);
        Assert.Equal(SealOpening.UnknownKey, sealer.TryOpen(s_cart, before, out _));
    }

    [Fact]
    public void SEA_08_No_salt_and_count_come_twice_over_keys_threads_and_subkeys()
    {
        var key = NewKey();
        var sealers = Enumerable.Range(0, 4).Select(_ => NewSealer(key, sealsBySubkey: 10_000)).ToArray();
        var seen = new HashSet<UInt128>[4];
        Parallel.For(0, 4, i =>
        {
            seen[i] = [];
            for (var n = 0; n < 50_000; n++) Assert.True(seen[i].Add(NonceOf(sealers[n % 4].Seal(s_cart, []))));
        });
        Assert.Equal(200_000, seen.SelectMany(s => s).ToHashSet().Count);
    }

    [Fact]
    public void SEA_08_The_count_of_a_subkey_is_held()
    {
        var sealer = NewSealer(sealsBySubkey: 100);
        var salts = Enumerable.Range(0, 1000).Select(_ => Convert.ToHexString(Base64Url.DecodeFromChars(sealer.Seal(s_cart, [])).AsSpan(5, 16))).GroupBy(s => s).ToArray();
        Assert.Equal(10, salts.Length);
        Assert.All(salts, s => Assert.Equal(100, s.Count()));
        Assert.InRange(Sealer.SealsBySubkey, 1, 1L << 31);
    }

    [Fact]
    public async Task SEA_08_Eight_threads_seal_and_open_while_the_key_changes_under_them()
    {
        var keys = Enumerable.Range(0, 20).Select(_ => NewKey()).ToArray();
        var sealer = new Sealer("shop", new SealKeys(keys[0], keys));
        var stop = false;
        var workers = Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            while (!Volatile.Read(ref stop)) Assert.True(Opens(sealer, s_cart, sealer.Seal(s_cart, s_content)));
        })).ToArray();
        foreach (var key in keys)
        {
            sealer.Keys = new SealKeys(key, keys);
            for (var i = 0; i < 500; i++) Assert.True(Opens(sealer, s_cart, sealer.Seal(s_cart, s_content)));
        }
        Volatile.Write(ref stop, true);
        await Task.WhenAll(workers);
    }

    /// <summary>Proof 2: a million inputs that were genuine once.</summary>
    [Fact]
    public void SEA_01_A_million_changed_seals_are_refused_without_an_exception_and_without_growing()
    {
        const int inputs = 1_000_000;
        var key = NewKey();
        var sealer = NewSealer(key);
        var tokens = Enumerable.Range(0, 64).Select(i => sealer.Seal(s_cart, RandomNumberGenerator.GetBytes(i * 7 % 90))).ToArray();
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ .;\0\n\u00e9\ud83d";
        Parallel.For(0, 4, worker =>
        {
            var random = new Random(worker);
            for (var n = 0; n < inputs / 4; n++)
            {
                var token = tokens[random.Next(tokens.Length)].ToCharArray().ToList();
                for (var edits = random.Next(1, 4); edits > 0; edits--)
                {
                    var at = random.Next(token.Count);
                    // Most inputs fail before any cryptography; changing the tail keeps key and salt as they were.
                    if (random.Next(2) == 0) at = token.Count - 1 - random.Next(Math.Min(20, token.Count));
                    switch (random.Next(4))
                    {
                        case 0: token[at] = alphabet[random.Next(alphabet.Length)]; break;
                        case 1: token.RemoveAt(at); break;
                        case 2: token.Insert(at, alphabet[random.Next(alphabet.Length)]); break;
                        default: token.RemoveRange(at, token.Count - at); break;
                    }
                    if (token.Count == 0) break;
                }
                var text = new string([.. token]);
                if (Array.IndexOf(tokens, text) < 0) Assert.NotEqual(SealOpening.Opened, sealer.TryOpen(s_cart, text, out _));
            }
        });
        Assert.All(tokens, token => Assert.True(Opens(sealer, s_cart, token)));
        Assert.InRange(sealer.KnownSubkeys, 0, 2);
    }

    [Fact]
    public void LIM_01_What_is_far_too_long_is_not_looked_at()
    {
        var sealer = NewSealer();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(SealOpening.Refused, sealer.TryOpen(s_cart, new string('A', 10_000_000).AsSpan(), out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000 + 10_000);
    }

    private static UInt128 NonceOf(string token)
    {
        var bytes = Base64Url.DecodeFromChars(token);
        // The salt is random and the count small, so their sum tells them all apart.
        return BitConverter.ToUInt128(bytes, 5) ^ BitConverter.ToUInt64(bytes, 21);
    }
}
