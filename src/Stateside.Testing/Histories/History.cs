using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Stateside.Testing.Histories;

/// <summary>What clients asked and were answered, and when. The order of the operations in it means nothing, only their times do.</summary>
/// <remarks>
/// Two operations of which one returned before the other was called happened in that order; with equal times they count as concurrent,
/// since a clock that is too coarse must not accuse anybody.
/// </remarks>
/// <typeparam name="TInput">What was asked.</typeparam>
/// <typeparam name="TOutput">What was answered.</typeparam>
public sealed class History<TInput, TOutput>
    where TInput : notnull
{
    /// <summary>A history of these operations.</summary>
    /// <param name="operations">The operations. Those that are known not to have been applied do not belong here.</param>
    public History(IEnumerable<Operation<TInput, TOutput>> operations) => Operations = [.. operations];

    /// <summary>The operations.</summary>
    public IReadOnlyList<Operation<TInput, TOutput>> Operations { get; }

    /// <summary>The histories of the parts that do not touch each other, in the order of their names; each can be checked by itself and on its own thread.</summary>
    /// <param name="partitionOf">The part that an input belongs to, such as <see cref="HistoryModel{TState,TInput,TOutput}.PartitionOf"/>.</param>
    public IReadOnlyDictionary<string, History<TInput, TOutput>> Partition(Func<TInput, string> partitionOf)
    {
        ArgumentNullException.ThrowIfNull(partitionOf);
        var parts = new SortedDictionary<string, History<TInput, TOutput>>(StringComparer.Ordinal);
        foreach (var part in Operations.GroupBy(o => partitionOf(o.Input))) parts.Add(part.Key, new(part));
        return parts;
    }

    /// <summary>Writes one line of JSON for each operation: <c>{"client":1,"call":5,"return":9,"input":…,"output":…}</c>, without what is unknown.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="options">Options that know the input and the output: those of a source-generated context, or <see cref="JsonSerializerOptions.Default"/>.</param>
    public void Save(Stream stream, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var (inputs, outputs) = Types(options);
        using var writer = new Utf8JsonWriter(stream);
        foreach (var operation in Operations)
        {
            writer.WriteStartObject();
            writer.WriteNumber("client", operation.Client);
            writer.WriteNumber("call", operation.Call);
            if (operation.Return is { } returned) writer.WriteNumber("return", returned);
            writer.WritePropertyName("input");
            JsonSerializer.Serialize(writer, operation.Input, inputs);
            if (operation.Output.IsKnown)
            {
                writer.WritePropertyName("output");
                JsonSerializer.Serialize(writer, operation.Output.Value!, outputs);
            }
            writer.WriteEndObject();
            writer.Flush();
            stream.WriteByte((byte)'\n');
            writer.Reset();
        }
    }

    internal static (JsonTypeInfo<TInput>, JsonTypeInfo<TOutput>) Types(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ((JsonTypeInfo<TInput>)options.GetTypeInfo(typeof(TInput)), (JsonTypeInfo<TOutput>)options.GetTypeInfo(typeof(TOutput)));
    }
}

/// <summary>Histories that were kept.</summary>
public static class History
{
    /// <summary>Reads what <see cref="History{TInput,TOutput}.Save"/> wrote.</summary>
    /// <param name="stream">Where from.</param>
    /// <param name="options">Options that know the input and the output.</param>
    /// <exception cref="FormatException">A line is not an operation; the message names it.</exception>
    public static History<TInput, TOutput> Load<TInput, TOutput>(Stream stream, JsonSerializerOptions options)
        where TInput : notnull
    {
        ArgumentNullException.ThrowIfNull(stream);
        var (inputs, outputs) = History<TInput, TOutput>.Types(options);
        var operations = new List<Operation<TInput, TOutput>>();
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            if (line.Length == 0) continue;
            try
            {
                using var document = JsonDocument.Parse(line);
                operations.Add(Read(document.RootElement, inputs, outputs));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
            {
                throw new FormatException($"Line {number} of the history is not an operation: {e.Message}", e);
            }
        }
        return new History<TInput, TOutput>(operations);
    }

    private static Operation<TInput, TOutput> Read<TInput, TOutput>(JsonElement line, JsonTypeInfo<TInput> inputs, JsonTypeInfo<TOutput> outputs)
        where TInput : notnull
    {
        var (client, call) = (line.GetProperty("client").GetInt32(), line.GetProperty("call").GetInt64());
        var input = line.GetProperty("input").Deserialize(inputs) ?? throw new FormatException("its input is null.");
        var output = line.TryGetProperty("output", out var seen) ? new Observed<TOutput>(seen.Deserialize(outputs)!) : default;
        if (line.TryGetProperty("return", out var returned)) return new(client, input, output, call, returned.GetInt64());
        return output.IsKnown ? throw new FormatException("it has an output and did not return.") : new(client, input, call);
    }
}
