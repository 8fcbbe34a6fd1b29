using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Primitives;
using Stateside.AspNetCore.Idempotency;
using Stateside.AspNetCore.StructuredFields;

namespace Stateside.Tests.Headers;

public class IdempotencyKeyHeaderTests
{
    private const string Uuid = "8e03978e-40d5-43e8-bc93-6894a57f9324";

    [Fact]
    public void No_header_is_missing_and_not_invalid()
    {
        Assert.True(IdempotencyKeyHeader.Read(default, strict: true).IsMissing);
        Assert.True(IdempotencyKeyHeader.Read(StringValues.Empty, strict: false).IsMissing);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void SFV_01_a_quoted_key_is_its_text_without_quotes(bool strict) => Accepted($"\"{Uuid}\"", strict, Uuid);

    [Fact]
    public void SFV_02_a_bare_uuid_is_refused_in_strict_mode() => Refused(Uuid, strict: true);

    [Theory]
    [InlineData("clkyoesmbgybucifusbbtdsbohtyuuwz")]
    [InlineData(":aGVsbG8=:")]
    [InlineData("?1")]
    [InlineData("42")]
    [InlineData("4.2")]
    [InlineData("@1659578233")]
    public void SFV_03_a_bare_word_is_refused_in_strict_mode_and_is_just_text_otherwise(string word)
    {
        Refused(word, strict: true);
        Accepted(word, strict: false, word);
    }

    [Theory]
    [InlineData("%\"a\"")]
    [InlineData("(\"a\")")]
    [InlineData("\"a\", \"b\"")]
    public void SFV_03_what_is_neither_a_string_nor_a_bare_word_is_refused_in_both_modes(string header)
    {
        Refused(header, strict: true);
        Refused(header, strict: false);
    }

    [Theory]
    [InlineData("""
        "a\"b"
        """, "a\"b")]
    [InlineData("""
        "a\\b"
        """, "a\\b")]
    [InlineData("\"with space, comma; and = \"", "with space, comma; and = ")]
    public void SFV_04_the_two_escapes_and_all_printable_ASCII_are_accepted_in_quotes(string header, string key)
    {
        Accepted(header, strict: true, key);
        Accepted(header, strict: false, key);
    }

    [Theory]
    [InlineData("\"a\\nb\"")]
    [InlineData("\"a\\\"")]
    [InlineData("\"a\\")]
    [InlineData("\"a\u0000\"")]
    [InlineData("\"a\tb\"")]
    [InlineData("\"a\r\nb\"")]
    [InlineData("\"a\u007f\"")]
    [InlineData("\"\u00e9\"")]
    [InlineData("\"\ud83d\ude00\"")]
    [InlineData("\"\ud83d\"")]
    [InlineData("a\u0000")]
    [InlineData("a\r\nb")]
    [InlineData("a\u007f")]
    [InlineData("\u00e9")]
    [InlineData("\ud83d\ude00")]
    public void SFV_04_other_escapes_control_characters_and_non_ASCII_are_refused_in_both_modes(string header)
    {
        Refused(header, strict: true);
        Refused(header, strict: false);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void SFV_05_spaces_around_are_ignored_and_text_behind_the_quote_is_refused(bool strict)
    {
        Accepted("  \"k\"  ", strict, "k");
        foreach (var header in new[] { "\"k\"x", "\"k\" x", "\"k\"\"l\"", "\"k\", ", "x\"k\"", "\t\"k\"" }) Refused(header, strict);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void SFV_06_parameters_parse_and_are_left_out_of_the_key(bool strict)
    {
        Accepted("\"k\";a=1", strict, "k");
        Accepted("\"k\"; a; b=\"x\"", strict, "k");
        Refused("\"k\";", strict);
        Refused("\"k\";A=1", strict);
        Refused("k;a=1", strict);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void SFV_07_two_lines_are_refused_even_if_they_are_equal(bool strict)
    {
        Refused(new StringValues(["\"k\"", "\"k\""]), strict);
        Refused(new StringValues(["\"k\"", "\"l\""]), strict);
        Refused(new StringValues(["\"k", "l\""]), strict);
        // A proxy may have joined them already.
        Refused("\"k\",\"k\"", strict);
        Refused("k,k", strict);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("\"\"")]
    public void SFV_08_an_empty_key_is_refused(string header)
    {
        Refused(header, strict: true);
        Refused(header, strict: false);
    }

    [Fact]
    public void SFV_08_a_key_has_at_most_255_characters()
    {
        var longest = new string('k', 255);
        Accepted($"\"{longest}\"", strict: true, longest);
        Accepted(longest, strict: false, longest);
        Accepted($"\"{string.Concat(Enumerable.Repeat("\\\"", 255))}\"", strict: true, new string('"', 255));
        Refused($"\"{longest}k\"", strict: true);
        Refused($"{longest}k", strict: false);
    }

    [Fact]
    public void SFV_08_a_huge_header_is_refused_without_being_parsed_or_copied()
    {
        var huge = new StringValues($"\"{new string('k', 1_000_000)}\"");
        IdempotencyKeyHeader.Read(huge, strict: true);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = IdempotencyKeyHeader.Read(huge, strict: true);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Contains("255", result.Reason, StringComparison.Ordinal);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void SFV_09_quoted_and_bare_name_the_same_key_unless_the_mode_is_strict()
    {
        Assert.Equal(IdempotencyKeyHeader.Read("\"12345-abcde\"", strict: false), IdempotencyKeyHeader.Read("12345-abcde", strict: false));
        Refused("12345-abcde", strict: true);
    }

    [Fact]
    public void SFV_09_every_key_that_may_be_bare_is_the_same_key_in_quotes()
    {
        var visible = Gen.Elements([.. Enumerable.Range('!', 94).Select(c => (char)c)]);
        Prop.ForAll(Arb.From(Gen.Select(Gen.NonEmptyListOf(visible), c => new string([.. c]))), text =>
        {
            var bare = IdempotencyKeyHeader.Read(text, strict: false);
            return bare.Key is not { } key || key == IdempotencyKeyHeader.Read($"\"{text}\"", strict: true).Key || text[0] == '"';
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }

    [Fact]
    public void SFV_10_no_text_whatever_gives_a_key_with_more_than_printable_ASCII_and_no_reason_repeats_it()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), ArbMap.Default.ArbFor<bool>(), (text, strict) =>
        {
            var header = "SECRET" + text;
            var result = IdempotencyKeyHeader.Read(header, strict);
            return result.Key?.All(Characters.IsPrintable) ?? !result.Reason!.Contains("SECRET", StringComparison.Ordinal);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }

    private static void Accepted(StringValues header, bool strict, string key) =>
        Assert.Equal(KeyResult.Valid(key), IdempotencyKeyHeader.Read(header, strict));

    private static void Refused(StringValues header, bool strict)
    {
        var result = IdempotencyKeyHeader.Read(header, strict);
        Assert.False(result.IsMissing);
        Assert.True(result.Key is null, $"Accepted as {result.Key}");
    }
}
