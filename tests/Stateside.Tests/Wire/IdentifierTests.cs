using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Stateside.Sessions;

namespace Stateside.Tests.Wire;

/// <summary>Ids, versions and credentials have one spelling each: what is written is read back, and nothing else is read at all.</summary>
public class IdentifierTests
{
    private static readonly Gen<UInt128> Bits = Gen.Select(Gen.ArrayOf(Gen.Choose(0, 255), 16), b => TurnId.Read([.. b.Select(x => (byte)x)]).Value);
    private static readonly Gen<StateVersion> Versions =
        Gen.Zip(Gen.OneOf(Gen.Choose(1, 3), Gen.Choose(1, int.MaxValue)), Bits, (c, t) => new StateVersion(c > 3 ? (long)c << 31 : c, new TurnId(t % 4 == 0 ? t % 16 : t)));
    private static readonly Gen<Group> Groups = Gen.OneOf(
        Gen.Select(Bits, Group.Session), Gen.Select(Bits, Group.Unowned), Gen.Select(Bits, b => Group.User("issuer", b.ToString())));
    private static readonly Gen<string> PublicIds = Gen.Zip(Groups, Bits, (g, i) => PublicId.Format(g, new TurnId(i).ToString()));

    [Fact]
    public void Turn_ids_and_versions_go_round()
    {
        Hold(Versions, version =>
        {
            Span<byte> bytes = stackalloc byte[StateVersion.Size];
            version.Write(bytes);
            return StateVersion.Read(bytes) == version
                && StateVersion.TryParse(version.ToString(), out var parsed) && parsed == version
                && TurnId.TryParse(version.Turn.ToString(), out var turn) && turn == version.Turn;
        });
        var largest = new StateVersion(long.MaxValue, default);
        Assert.True(StateVersion.TryParse(largest.ToString(), out var read) && read == largest);
    }

    [Fact]
    public void Every_other_spelling_of_a_turn_id_is_refused() =>
        Hold(Gen.Select(Bits, b => new TurnId(b).ToString()), text => Misspellings(text).All(t => !TurnId.TryParse(t, out _)));

    [Fact]
    public void Every_other_spelling_of_a_version_is_refused()
    {
        Hold(Gen.Select(Versions, v => v.ToString()), text =>
            Misspellings(text).Concat(["+" + text, "-" + text, "0" + text, text.Replace("-", "--", StringComparison.Ordinal), "\"" + text + "\"", "W/" + text])
                .All(t => !StateVersion.TryParse(t, out var v) || v.ToString() == t && t != text));
        foreach (var counter in new[] { "", "0", "-1", "1.0", "1e3", "\u0661", "9223372036854775808", new string('9', 64_000) })
            Assert.False(StateVersion.TryParse($"{counter}-AAECAwQFBgcICQoLDA0ODw", out _));
    }

    [Fact]
    public void Every_other_spelling_of_a_session_credential_is_refused()
    {
        Hold(Gen.Select(Bits, _ => SessionHandle.Fresh().Credential()), text =>
            SessionHandle.Parse(text)?.Credential() == text && Misspellings(text).All(t => SessionHandle.Parse(t) is null));
        // Another first byte is a form that nobody has issued.
        Assert.Null(SessionHandle.Parse("AgABAgMEBQYHCAkKCwwNDg_w8fLz9PX29_j5-vv8_f7_"));
    }

    [Fact]
    public void Whatever_is_read_is_written_the_same() => Hold(ArbMap.Default.GeneratorFor<string>(), text =>
        (!TurnId.TryParse(text, out var id) || id.ToString() == text)
        && (!StateVersion.TryParse(text, out var version) || version.ToString() == text)
        && (SessionHandle.Parse(text) is not { } session || session.Credential() == text)
        && (!PublicId.TryParse(text, out var group, out var item) || PublicId.Format(group, item) == text));

    [Fact]
    public void The_order_of_versions_is_total_and_follows_the_counter() =>
        Hold(Gen.Zip(Gen.Zip(Versions, Versions, (a, b) => (a, b)), Versions, (ab, c) => (ab.a, ab.b, c)), ((StateVersion A, StateVersion B, StateVersion C) v) =>
        {
            var (a, b, c) = v;
            return Math.Sign(a.CompareTo(b)) == -Math.Sign(b.CompareTo(a))
                && (a.CompareTo(b) == 0) == (a == b)
                && (!(a <= b && b <= c) || a <= c)
                && (a.Counter == b.Counter || a < b == a.Counter < b.Counter)
                && a < b == b > a && a <= b == (a < b || a == b) && a >= b == b <= a
                && a.Next(b.Turn) > a && StateVersion.None < a;
        });

    [Fact]
    public void A_public_id_leads_back_to_its_key_and_every_other_spelling_is_another_key() => Hold(PublicIds, id =>
    {
        var key = StateKey.From("order", id);
        if (PublicId.Format(key.Group, key.Item) != id || key.Group.Value[0] == 'k') return false;
        return Misspellings(id).Where(KeyText.IsValid).All(t => StateKey.From("order", t) is var other && other != key && other.Group.Value == "k:" + t);
    });

    [Fact]
    public void No_two_texts_lead_to_one_key()
    {
        var texts = Gen.OneOf(PublicIds, Gen.Select(PublicIds, id => id[..^1]), Gen.Select(PublicIds, id => "k" + id[1..]), ArbMap.Default.GeneratorFor<string>());
        Hold(Gen.Zip(texts, texts, (a, b) => (a, b)), ((string A, string B) t) =>
            t.A == t.B || !KeyText.IsValid(t.A) || !KeyText.IsValid(t.B) || StateKey.From("order", t.A) != StateKey.From("order", t.B));
    }

    [Fact]
    public void A_group_is_read_back_only_in_the_form_that_is_written()
    {
        Hold(Groups, group => Group.Parse(group.Value) == group && group.Shard is >= 0 and < Group.ShardCount);
        Hold(Gen.Select(Groups, g => g.Value), text => Misspellings(text).All(t => !Parses(t)));
        foreach (var text in new[] { "", "s:", "k:", "x:", "x:05", "x:+5", "x:1024", "x:99999999999", "q:AAECAwQFBgcICQoLDA0ODw", "kABC", "s:AAECAwQFBgcICQoLDA0ODx", "k:a\nb", "k:" + new string('a', 513) })
            Assert.False(Parses(text), text);
        Assert.True(Parses("k:" + new string('a', 512)));
    }

    [Fact]
    public void A_group_of_the_cluster_is_in_the_shard_that_it_names()
    {
        for (var shard = 0; shard < Group.ShardCount; shard++)
            Assert.Equal((shard, $"x:{shard}", shard), (Group.Cluster(shard).Shard, Group.Cluster(shard).Value, Group.Parse($"x:{shard}").Shard));
        Assert.Throws<ArgumentOutOfRangeException>(() => Group.Cluster(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Group.Cluster(Group.ShardCount));
    }

    [Fact]
    public void Users_of_two_issuers_never_share_a_group()
    {
        var part = Gen.Select(Gen.ListOf(Gen.Elements('1', ':', 'a', '2')), c => new string([.. c]));
        Hold(Gen.Zip(Gen.Zip(part, part, (a, b) => (a, b)), Gen.Zip(part, part, (a, b) => (a, b)), (a, b) => (a, b)), ((ValueTuple<string, string> A, ValueTuple<string, string> B) users) =>
            users.A == users.B || Group.User(users.A.Item1, users.A.Item2) != Group.User(users.B.Item1, users.B.Item2));
    }

    [Fact]
    public void Key_text_is_1_to_512_bytes_of_UTF_8_without_control_characters_and_broken_surrogates()
    {
        var piece = Gen.Elements("a", "\u00e9", "\u20ac", "\ud83d\ude00", "\ud83d", "\ude00", "\0", "\r\n", "\u007f", "\u0085", "\ufffd", " ", new string('b', 500), new string('\u00e9', 250), new string('z', 65_536));
        var texts = Gen.OneOf(ArbMap.Default.GeneratorFor<string>(), Gen.Select(Gen.ListOf(piece), p => string.Concat(p)), Gen.Select(Gen.Choose(505, 520), n => new string('c', n)));
        Hold(texts, text => KeyText.IsValid(text) == IsValidByTheBook(text));
        Assert.All([null, "", "a\0", "a\r\nb", "\ud83d", new string('k', 65_536), new string('\u00e9', 257)], text => Assert.False(KeyText.IsValid(text)));
        Assert.All(["a", "\ud83d\ude00", new string('k', 512), new string('\u00e9', 256), "' OR 1=1--", "../../etc"], text => Assert.True(KeyText.IsValid(text)));
    }

    private static bool IsValidByTheBook(string? text)
    {
        if (text is null || text.Any(char.IsControl) || text.Contains('\ufffd', StringComparison.Ordinal)) return false;
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(text) is >= 1 and <= KeyText.MaxBytes;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    /// <summary>Texts that a lenient decoder of base64 might take for the same value, and near misses in length.</summary>
    private static IEnumerable<string> Misspellings(string text)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        foreach (var around in new[] { "=", "==", " ", "\t", "\r\n", "\0" })
        {
            yield return text + around;
            yield return around + text;
            yield return text[..5] + around + text[5..];
        }
        yield return text[..^1];
        yield return text + "A";
        yield return "";
        if (text.Contains('_', StringComparison.Ordinal)) yield return text.Replace('_', '/');
        // 44 characters of base64 leave no bit unused; 43 leave two and 22 leave four.
        var last = Alphabet.IndexOf(text[^1], StringComparison.Ordinal);
        var unused = text.Length switch { SessionHandle.CredentialLength => 0, 45 when text[0] == 'u' => 3, _ => 15 };
        for (var bits = 1; bits <= unused; bits++) yield return text[..^1] + Alphabet[last | bits];
    }

    private static bool Parses(string group)
    {
        try
        {
            return Group.Parse(group).Value == group;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static void Hold<T>(Gen<T> values, Func<T, bool> rule) =>
        Prop.ForAll(Arb.From(values), rule).Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));
}
