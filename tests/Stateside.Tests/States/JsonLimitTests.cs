using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Tests.States;

/// <summary>
/// What may stand in a row's body, decided with the JSON test suite: y_ is read, n_ is refused with SS3005 and with no
/// other exception, and for i_ (left open by RFC 8259) and the transformations the table says what this code does.
/// </summary>
public class JsonLimitTests
{
    private static readonly StateDefinition<JsonDocument> Any = new("any", LooseJson.Default.JsonDocument, null, Needs.None, schema: 1);

    // A JsonDocument keeps numbers and strings as they were written, so none is too large for it, and text that is no Unicode stays where it is.
    private static readonly HashSet<string> ReadThoughOpen = new(StringComparer.Ordinal)
    {
        "i_number_double_huge_neg_exp",
        "i_number_huge_exp",
        "i_number_neg_int_huge_exp",
        "i_number_pos_double_huge_exp",
        "i_number_real_neg_overflow",
        "i_number_real_pos_overflow",
        "i_number_real_underflow",
        "i_number_too_big_neg_int",
        "i_number_too_big_pos_int",
        "i_number_very_big_negative_int",
        "i_string_1st_surrogate_but_2nd_missing",
        "i_string_1st_valid_surrogate_2nd_invalid",
        "i_string_UTF-8_invalid_sequence",
        "i_string_UTF8_surrogate_U+D800",
        "i_string_incomplete_surrogate_and_escape_valid",
        "i_string_incomplete_surrogate_pair",
        "i_string_incomplete_surrogates_escape_valid",
        "i_string_invalid_lonely_surrogate",
        "i_string_invalid_surrogate",
        "i_string_invalid_utf-8",
        "i_string_inverted_surrogates_U+1D11E",
        "i_string_iso_latin_1",
        "i_string_lone_second_surrogate",
        "i_string_lone_utf8_continuation_byte",
        "i_string_not_in_unicode_range",
        "i_string_overlong_sequence_2_bytes",
        "i_string_overlong_sequence_6_bytes",
        "i_string_overlong_sequence_6_bytes_null",
        "i_string_truncated-utf-8",
        "number_-9223372036854775808",
        "number_-9223372036854775809",
        "number_1.0",
        "number_1.000000000000000005",
        "number_1000000000000000",
        "number_10000000000000000999",
        "number_1e-999",
        "number_1e6",
        "number_9223372036854775807",
        "number_9223372036854775808",
        "object_key_nfc_nfd",
        "object_key_nfd_nfc",
        "string_1_escaped_invalid_codepoint",
        "string_1_invalid_codepoint",
        "string_2_escaped_invalid_codepoints",
        "string_2_invalid_codepoints",
        "string_3_escaped_invalid_codepoints",
        "string_3_invalid_codepoints",
        "string_with_escaped_NULL",
    };

    private static readonly HashSet<string> RefusedThoughOpen = new(StringComparer.Ordinal)
    {
        "i_object_key_lone_2nd_surrogate", // A name is decoded to be compared with the others.
        "i_string_UTF-16LE_with_BOM", // Bodies are UTF-8.
        "i_string_utf16BE_no_BOM",
        "i_string_utf16LE_no_BOM",
        "i_structure_500_nested_arrays", // 64 levels are the most, unless the state's options say otherwise.
        "i_structure_UTF-8_BOM_empty_object", // Nothing of ours writes a mark.
        "object_same_key_different_values",
        "object_same_key_same_value",
        "object_same_key_unclear_values",
    };

    public static TheoryData<string, int> Folders => new() { { "test_parsing", 318 }, { "test_transform", 22 } };

    [Theory, MemberData(nameof(Folders))]
    public void VEC_02_every_JSON_vector_is_read_or_refused_as_it_must_be(string folder, int count)
    {
        var files = Directory.GetFiles(Path.Combine(Repository.Vectors("json-parsing"), folder));
        Assert.Equal(count, files.Length);
        Assert.All(files, file => Assert.True(
            MayBeRead(Path.GetFileNameWithoutExtension(file)) == IsRead(Any, File.ReadAllBytes(file)), Path.GetFileName(file)));
    }

    [Fact]
    public void A_string_that_is_no_Unicode_is_refused_once_a_type_asks_for_its_text()
    {
        var texts = new StateDefinition<List<string>>("texts", LooseJson.Default.ListString, null, Needs.None, schema: 1);
        var files = Directory.GetFiles(Path.Combine(Repository.Vectors("json-parsing"), "test_parsing"), "i_string_*");
        Assert.Equal(22, files.Length);
        Assert.All(files, file => Assert.False(IsRead(texts, File.ReadAllBytes(file)), Path.GetFileName(file)));
    }

    [Fact]
    public void Nesting_of_a_hundred_thousand_levels_is_refused_without_using_up_the_stack()
    {
        foreach (var open in new[] { "[", "{\"a\":" })
            Assert.False(IsRead(Any, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(open, 100_000)))));
    }

    [Theory]
    [InlineData("""{"name":"a","name":"b","count":1}""")]
    [InlineData("""{"name":"a","count":1,"\u006eame":"b"}""")]
    [InlineData("""{"name":"a","count":1,"more":{"x":1,"x":1}}""")]
    public void A_name_that_comes_twice_is_refused_though_the_states_own_options_allow_it(string json)
    {
        Assert.True(LooseJson.Default.Options.AllowDuplicateProperties);
        Assert.False(IsRead(Sample(), Encoding.UTF8.GetBytes(json)));
        Assert.False(IsRead(Any, Encoding.UTF8.GetBytes(json)));
    }

    [Fact]
    public void The_old_shape_of_a_state_is_read_as_strictly()
    {
        var definition = new StateDefinition<Sample>("sample", LooseJson.Default.Sample, null, Needs.None, schema: 2);
        definition.AddUpgrade(1, LooseJson.Default.JsonObject, old => new Sample((string)old["title"]!, 0, null));
        Assert.Equal("a", definition.Decode(RowOf("""{"title":"a"}"""u8.ToArray(), schema: 1)).Name);
        Assert.False(IsRead(definition, """{"title":"a","title":"b"}"""u8.ToArray(), schema: 1));
        Assert.False(IsRead(definition, """{"title":5}"""u8.ToArray(), schema: 1));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"name":5,"count":1}""")]
    [InlineData("""{"name":"\ud800","count":1}""")]
    [InlineData("""{"name":"a","count":1e400}""")]
    [InlineData("""{"name":"a","count":-1}""")]
    public void What_the_type_cannot_hold_is_SS3005_whatever_the_type_throws(string json) =>
        Assert.False(IsRead(Sample(), Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void The_states_own_options_hold_otherwise()
    {
        var read = Sample().Decode(RowOf("""{"NAME":"a","count":1,"unknown":[1]}"""u8.ToArray()));
        Assert.Equal(new Sample("a", 1, null), read);
        Assert.Equal("""{"name":"a","count":1,"more":null}""", Encoding.UTF8.GetString(Sample().Encode(read).Span));
    }

    [Fact]
    public void A_contract_that_could_not_be_made_strict_is_refused_when_it_is_declared()
    {
        var bare = JsonMetadataServices.CreateValueInfo<string>(new JsonSerializerOptions(), JsonMetadataServices.StringConverter);
        Assert.Contains("AllowDuplicateProperties", Assert.Throws<ArgumentException>(() => StrictJson.Of(bare)).Message, StringComparison.Ordinal);
        var strict = JsonMetadataServices.CreateValueInfo<string>(new JsonSerializerOptions { AllowDuplicateProperties = false }, JsonMetadataServices.StringConverter);
        Assert.Same(strict, StrictJson.Of(strict));
    }

    private static StateDefinition<Sample> Sample() => new("sample", LooseJson.Default.Sample, null, Needs.None, schema: 1);

    private static bool MayBeRead(string name)
    {
        if (name.StartsWith("y_object_duplicated_key", StringComparison.Ordinal)) return false; // Valid JSON, and refused on purpose.
        if (name.StartsWith("y_", StringComparison.Ordinal)) return true;
        if (name.StartsWith("n_", StringComparison.Ordinal)) return false;
        Assert.True(ReadThoughOpen.Contains(name) != RefusedThoughOpen.Contains(name), $"The tables do not say what is done with {name}.");
        return ReadThoughOpen.Contains(name);
    }

    private static bool IsRead<T>(StateDefinition<T> definition, byte[] body, int schema = 1) where T : class
    {
        try
        {
            return definition.Decode(RowOf(body, schema)) is not null;
        }
        catch (StatesideException e)
        {
            Assert.Equal("SS3005", e.Code);
            return false;
        }
    }

    private static Row RowOf(byte[] body, int schema = 1) =>
        new(new StateKey(Group.Keyed("a"), "any"), new StateVersion(1, new TurnId(1)), schema, 0, body, null);
}

internal sealed record Sample
{
    public Sample(string name, int count, JsonNode? more)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        (Name, Count, More) = (name, count, more);
    }

    public string Name { get; }

    public int Count { get; }

    public JsonNode? More { get; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(Sample)), JsonSerializable(typeof(JsonDocument)), JsonSerializable(typeof(JsonObject)), JsonSerializable(typeof(List<string>))]
internal sealed partial class LooseJson : JsonSerializerContext;
