using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Tool.Torture;

/// <summary>What a client asked for.</summary>
internal enum Ask
{
    /// <summary>Adds 1 to a counter; answered with its value.</summary>
    Count,

    /// <summary>Reads a counter.</summary>
    ReadCounter,

    /// <summary>Puts a line, of which there is only one, into a cart; answered with the cart.</summary>
    AddLine,

    /// <summary>Reads a cart.</summary>
    ReadCart,

    /// <summary>Orders a cart, which empties it; answered with the order.</summary>
    OrderCart,

    /// <summary>Orders lines that the request brings.</summary>
    OrderLines,
}

/// <summary>What a client knows of what it asked for.</summary>
internal enum Outcome
{
    /// <summary>It may have been done, or be done later.</summary>
    Unknown,

    /// <summary>It was done, and answered.</summary>
    Acknowledged,

    /// <summary>Each attempt was answered with <c>applied: no</c>, or was never sent.</summary>
    Refused,
}

/// <summary>One operation in the record, with all attempts at it.</summary>
/// <param name="Key">The counter, or the session.</param>
/// <param name="Client">Who.</param>
/// <param name="Ask">What was asked for.</param>
/// <param name="Call">When it was first sent, in ticks of 100 ns from the start of the run.</param>
internal sealed record Entry(string Key, int Client, Ask Ask, long Call)
{
    /// <summary>The lines that were asked for, by their numbers; of a counter, none.</summary>
    public int[] Lines { get; init; } = [];

    /// <summary>The <c>Idempotency-Key</c>; null: none, so it was sent once.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>When its outcome was known; null while it is not.</summary>
    public long? Return { get; set; }

    public Outcome Outcome { get; set; }

    /// <summary>The value that a counter was said to have.</summary>
    public long? Value { get; set; }

    /// <summary>The lines that a cart or an order was said to have.</summary>
    public int[]? Answered { get; set; }

    /// <summary>The id of the order.</summary>
    public string? OrderId { get; set; }
}

/// <summary>What was done to the cluster, and for how long.</summary>
/// <param name="Kind">The nemesis.</param>
/// <param name="What">To whom, in words.</param>
/// <param name="From">Ticks of 100 ns from the start of the run.</param>
internal sealed record Fault(string Kind, string What, long From)
{
    /// <summary>When it was over: healed, or started again and serving.</summary>
    public long Until { get; set; }
}

/// <summary>Something that does not hold.</summary>
/// <param name="Kind">Which number of the report it counts in.</param>
/// <param name="Count">How many it is.</param>
/// <param name="What">In words.</param>
internal sealed record Finding(string Kind, long Count, string What);

/// <summary>Everything that happened in a run, from any number of threads.</summary>
internal sealed class Record(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private readonly List<Fault> _faults = [];
    private readonly List<Finding> _findings = [];
    private readonly long _start = time.GetTimestamp();

    /// <summary>Ticks of 100 ns from the start.</summary>
    public long Now => time.GetElapsedTime(_start).Ticks;

    public IReadOnlyList<Entry> Entries => Copy(_entries);

    public IReadOnlyList<Fault> Faults => Copy(_faults);

    public IReadOnlyList<Finding> Findings => Copy(_findings);

    public void Add(Entry entry) => Add(_entries, entry);

    public void Add(Finding finding) => Add(_findings, finding);

    public Fault Begin(string kind, string what)
    {
        var fault = new Fault(kind, what, Now) { Until = long.MaxValue };
        Add(_faults, fault);
        return fault;
    }

    /// <summary>Writes all of it as lines of JSON, the faults first.</summary>
    public void Save(string path)
    {
        using var file = new StreamWriter(path);
        foreach (var fault in Faults) file.WriteLine(JsonSerializer.Serialize(fault, RecordJson.Default.Fault));
        foreach (var entry in Entries) file.WriteLine(JsonSerializer.Serialize(entry, RecordJson.Default.Entry));
    }

    private void Add<T>(List<T> list, T one)
    {
        lock (_lock) list.Add(one);
    }

    private List<T> Copy<T>(List<T> list)
    {
        lock (_lock) return [.. list];
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(Entry))]
[JsonSerializable(typeof(Fault))]
internal sealed partial class RecordJson : JsonSerializerContext;
