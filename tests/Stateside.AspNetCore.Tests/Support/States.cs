using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Stateside.AspNetCore.Tests.Support;

/// <summary>What a visitor has put down: a state of the session in most tests.</summary>
internal sealed record Basket(ImmutableArray<string> Items)
{
    public static Basket Empty { get; } = new([]);

    public Basket Add(string item) => new(Items.Add(item));
}

/// <summary>A number that many count at once.</summary>
internal sealed record Tally(long Value)
{
    public static Tally Zero { get; } = new(0);

    public Tally Add(long by = 1) => new(Value + by);
}

/// <summary>A state without an empty value: absent is 404.</summary>
internal sealed record Letter(string Text);

/// <summary>Declared by no test application.</summary>
internal sealed record Stranger(string Text);

/// <summary>A request body.</summary>
internal sealed record Item(string Name, int Count = 1);

[JsonSerializable(typeof(Basket))]
[JsonSerializable(typeof(Tally))]
[JsonSerializable(typeof(Letter))]
internal sealed partial class TestJson : JsonSerializerContext;
