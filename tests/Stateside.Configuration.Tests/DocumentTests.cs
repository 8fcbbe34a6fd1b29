using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Stateside.Configuration.Tests;

public sealed class DocumentTests
{
    [Fact]
    public void The_page_of_the_configuration_says_what_the_table_says() => Documents.AssertIs(Documents.Configuration(), "docs/configuration.md");

    [Fact]
    public void The_schema_says_what_the_table_says() => Documents.AssertIs(Documents.Schema(), "docs/stateside.schema.json");

    [Fact]
    public void The_index_of_errors_lists_the_catalogue() => Documents.AssertIs(Documents.ErrorIndex(), "docs/errors/README.md");

    [Fact]
    public void Every_entry_stands_on_the_page()
    {
        var page = Documents.Configuration();
        page = page[..page.IndexOf("## Durations", StringComparison.Ordinal)];
        Assert.Equal(ConfigurationEntries.All.Count, Regex.Count(page, @"^\| `[A-Za-z]+` \| ", RegexOptions.Multiline));
    }

    /// <summary>An editor that completes by the schema must neither mark what the reader takes, nor pass what it refuses.</summary>
    [Theory]
    [InlineData(true, Documents.Example)]
    [InlineData(true, """{ "Stateside": {} }""")]
    [InlineData(true, """{ "Logging": { "LogLevel": 1 } }""")]
    [InlineData(true, """{ "Stateside": { "States": { "cart": { "Expires": null }, "order": {} } } }""")]
    [InlineData(true, """{ "Stateside": { "Limits": { "MaxRuns": 1000 }, "AssumeDurable": true } }""")]
    [InlineData(true, """{ "Stateside": { "Idempotency": { "Retention": "1:2:3.5", "ClaimLease": "00:01" } } }""")]
    [InlineData(false, """{ "Stateside": { "Stor": "memory:" } }""")]
    [InlineData(false, """{ "Stateside": "memory:" }""")]
    [InlineData(false, """{ "Stateside": { "Session": { "Cooky": "a" } } }""")]
    [InlineData(false, """{ "Stateside": { "States": { "cart": { "Size": 1 } } } }""")]
    [InlineData(false, """{ "Stateside": { "States": { "cart": { "Place": "Redis" } } } }""")]
    [InlineData(false, """{ "Stateside": { "States": { "not_a_name": {} } } }""")]
    [InlineData(false, """{ "Stateside": { "Limits": { "MaxRuns": 0 } } }""")]
    [InlineData(false, """{ "Stateside": { "Limits": { "MaxRuns": 1001 } } }""")]
    [InlineData(false, """{ "Stateside": { "Limits": { "MaxRuns": "many" } } }""")]
    [InlineData(false, """{ "Stateside": { "AssumeDurable": "yes" } }""")]
    [InlineData(false, """{ "Stateside": { "Session": { "IdleTimeout": "30" } } }""")]
    [InlineData(false, """{ "Stateside": { "Session": { "IdleTimeout": "24:00:00" } } }""")]
    public void The_schema_and_the_reader_agree(bool good, string json)
    {
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json));
        var section = new ConfigurationBuilder().AddJsonStream(stream).Build().GetSection("Stateside");
        var builder = new Microsoft.Extensions.DependencyInjection.ServiceCollection().AddStatesideEngine(section)
            .AddState("cart", ShopJson.Default.Cart).AddState("order", ShopJson.Default.Order);

        Assert.Equal(good, Given.Read(builder).Faults.Length == 0);
        Assert.Equal(good, IsValid(JsonNode.Parse(Documents.Schema())!.AsObject(), JsonNode.Parse(json)));
    }

    /// <summary>As much of JSON Schema as the schema uses; a word that is not known here fails the test.</summary>
    private static bool IsValid(JsonObject schema, JsonNode? value)
    {
        foreach (var (word, rule) in schema)
        {
            var holds = word switch
            {
                "$schema" or "title" or "description" or "default" => true,
                "type" => rule is JsonArray types ? types.Any(t => HasType(t!.GetValue<string>(), value)) : HasType(rule!.GetValue<string>(), value),
                "enum" => rule!.AsArray().Any(v => JsonNode.DeepEquals(v, value)),
                "minimum" => value is not JsonValue || !HasType("integer", value) || value.GetValue<long>() >= rule!.GetValue<long>(),
                "maximum" => value is not JsonValue || !HasType("integer", value) || value.GetValue<long>() <= rule!.GetValue<long>(),
                "pattern" => !HasType("string", value) || Regex.IsMatch(value!.GetValue<string>(), rule!.GetValue<string>()),
                "propertyNames" => value is not JsonObject names || names.All(p => IsValid(rule!.AsObject(), JsonValue.Create(p.Key))),
                "properties" => value is not JsonObject known || known.All(p => rule![p.Key] is not JsonObject s || IsValid(s, p.Value)),
                "additionalProperties" => value is not JsonObject more || more.All(p =>
                    schema["properties"]?[p.Key] is not null || rule is JsonObject other && IsValid(other, p.Value)),
                _ => throw new NotSupportedException(word),
            };
            if (!holds) return false;
        }
        return true;
    }

    private static bool HasType(string type, JsonNode? value) => (type, value?.GetValueKind()) switch
    {
        ("null", null) => true,
        ("object", System.Text.Json.JsonValueKind.Object) => true,
        ("string", System.Text.Json.JsonValueKind.String) => true,
        ("boolean", System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False) => true,
        ("integer", System.Text.Json.JsonValueKind.Number) => value!.AsValue().TryGetValue<long>(out _),
        _ => false,
    };
}
