using System.Globalization;
using System.Text;
using System.Text.Json;
using Stateside.AspNetCore.StructuredFields;

namespace Stateside.Tests.StructuredFields;

/// <summary>One case of the HTTP working group's vectors (tests/vectors/structured-fields/README.txt says what the members mean).</summary>
internal sealed class VectorCase(JsonElement json)
{
    public static VectorCase[] ReadAll(string file)
    {
        var text = File.ReadAllBytes(Path.Combine(Repository.Vectors("structured-fields"), file));
        return [.. JsonDocument.Parse(text).RootElement.EnumerateArray().Select(e => new VectorCase(e))];
    }

    public string Name => json.GetProperty("name").GetString()!;

    public string Type => json.GetProperty("header_type").GetString()!;

    public bool MustFail => json.TryGetProperty("must_fail", out var fails) && fails.GetBoolean();

    /// <summary>The lines of the field, joined as HTTP joins them.</summary>
    public string Raw => Join(json.GetProperty("raw"));

    public string Canonical => Join(json.TryGetProperty("canonical", out var canonical) ? canonical : json.GetProperty("raw"));

    public bool TrySerialize(out string? field)
    {
        var expected = json.GetProperty("expected");
        return Type switch
        {
            "item" => StructuredField.TrySerialize(Item(expected), out field),
            "list" => StructuredField.TrySerialize([.. expected.EnumerateArray().Select(Member)], out field),
            _ => StructuredField.TrySerialize([.. expected.EnumerateArray().Select(Pair)], out field),
        };
    }

    /// <summary>What the parser made of the field, in a notation that shows type, value and parameters; null if it refused it.</summary>
    public string? Parse() => Type switch
    {
        "item" => StructuredField.TryParseItem(Raw, out var item) ? Describe(item) : null,
        "list" => StructuredField.TryParseList(Raw, out var list) ? string.Join(", ", list.Select(Describe)) : null,
        _ => StructuredField.TryParseDictionary(Raw, out var dictionary) ? string.Join(", ", dictionary.Select(Describe)) : null,
    };

    /// <summary>What the case expects, in the same notation.</summary>
    public string Expected()
    {
        var expected = json.GetProperty("expected");
        return Type switch
        {
            "item" => Describe(Item(expected)),
            "list" => string.Join(", ", expected.EnumerateArray().Select(e => Describe(Member(e)))),
            _ => string.Join(", ", expected.EnumerateArray().Select(e => Describe(Pair(e)))),
        };
    }

    private static string Join(JsonElement lines) => string.Join(", ", lines.EnumerateArray().Select(l => l.GetString()));

    private static KeyValuePair<string, Member> Pair(JsonElement e) => new(e[0].GetString()!, Member(e[1]));

    private static Member Member(JsonElement e) => e[0].ValueKind == JsonValueKind.Array
        ? new Member([.. e[0].EnumerateArray().Select(Item)], Parameters(e[1]))
        : new Member(Item(e));

    private static Item Item(JsonElement e) => new(Bare(e[0]), Parameters(e[1]));

    private static Parameters Parameters(JsonElement e) =>
        new([.. e.EnumerateArray().Select(p => KeyValuePair.Create(p[0].GetString()!, Bare(p[1])))]);

    private static BareItem Bare(JsonElement e) => e.ValueKind switch
    {
        JsonValueKind.String => BareItem.String(e.GetString()!),
        JsonValueKind.True or JsonValueKind.False => BareItem.Boolean(e.GetBoolean()),
        JsonValueKind.Number when e.GetRawText().AsSpan().ContainsAny(".eE") => BareItem.Decimal(e.GetDecimal()),
        JsonValueKind.Number => BareItem.Integer(e.GetInt64()),
        _ => Typed(e.GetProperty("__type").GetString()!, e.GetProperty("value")),
    };

    private static BareItem Typed(string type, JsonElement value) => type switch
    {
        "token" => BareItem.Token(value.GetString()!),
        "binary" => BareItem.ByteSequence(Base32(value.GetString()!)),
        "date" => BareItem.Date(value.GetInt64()),
        "displaystring" => BareItem.DisplayString(value.GetString()!),
        _ => throw new InvalidDataException($"Unknown type {type}."),
    };

    private static byte[] Base32(string text)
    {
        var bytes = new List<byte>();
        var (bits, count) = (0, 0);
        foreach (var c in text.TrimEnd('='))
        {
            bits = (bits << 5 | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c)) & 0xFFFF;
            count += 5;
            if (count < 8) continue;
            count -= 8;
            bytes.Add((byte)(bits >> count));
        }
        return [.. bytes];
    }

    private static string Describe(KeyValuePair<string, Member> pair) => $"{pair.Key} -> {Describe(pair.Value)}";

    private static string Describe(Member member)
    {
        if (!member.IsInnerList) return Describe(member.Item);
        var items = new List<string>();
        foreach (var item in member.InnerList) items.Add(Describe(item));
        return $"({string.Join(' ', items)}){Describe(member.Parameters)}";
    }

    private static string Describe(Item item) => Describe(item.Value) + Describe(item.Parameters);

    private static string Describe(Parameters parameters)
    {
        var text = new StringBuilder();
        for (var i = 0; i < parameters.Count; i++) text.Append(CultureInfo.InvariantCulture, $"; {parameters[i].Key}: {Describe(parameters[i].Value)}");
        return text.ToString();
    }

    private static string Describe(BareItem item) => item.Type switch
    {
        BareItemType.ByteSequence => $"bytes {Convert.ToHexString(item.Bytes.Span)}",
        BareItemType.String or BareItemType.Token or BareItemType.DisplayString => $"{item.Type} «{item.Text}»",
        // Trailing zeros are no part of a number's value.
        _ => $"{item.Type} {(item.Number / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture)}",
    };
}
