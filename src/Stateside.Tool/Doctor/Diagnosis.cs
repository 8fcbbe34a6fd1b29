using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.Stores;

namespace Stateside.Tool.Doctor;

/// <summary>Whether a store gives one of <see cref="Needs"/> to a state in place Store, and why.</summary>
internal sealed record GivenNeed(string Need, bool Given, bool Asked, string Why);

/// <summary>What a running store was found to be: the contract of <c>doctor --json</c> (docs/tool.md), and what the tables show.</summary>
internal sealed record Diagnosis(
    bool Holds, string Store, string Kind, string Durability, string Reach, bool Watchable, int MaxBodyBytes,
    IReadOnlyList<StoreFact> Facts, IReadOnlyList<GivenNeed> Needs)
{
    /// <param name="shownUrl">The store's URL without secrets.</param>
    /// <param name="found">What the store declared when it was opened.</param>
    /// <param name="asked">What has to be given.</param>
    /// <param name="assumesDurable">Whether the application's configuration vouches for a store that cannot tell.</param>
    public static Diagnosis Of(string shownUrl, StoreCapabilities found, Needs asked, bool assumesDurable = false)
    {
        GivenNeed[] needs =
        [
            Need(Stateside.Needs.Durable, found.Durability is Stores.Durability.Disk or Stores.Durability.Replicated || found.Durability == Stores.Durability.Unknown && assumesDurable, found.Durability switch
            {
                Stores.Durability.Replicated => "an acknowledged change survives the loss of a machine",
                Stores.Durability.Disk => "an acknowledged change is on disk before the answer",
                Stores.Durability.Process => "an acknowledged change survives the process, but the last moments are lost with the power",
                Stores.Durability.None => "everything is gone with the process",
                _ when assumesDurable => "the store cannot tell; Stateside:AssumeDurable vouches for it",
                _ => "the store cannot tell; set Stateside:AssumeDurable if you know that it is",
            }),
            Need(Stateside.Needs.Current, true, "every commit compares versions in the store, whatever the store"),
            Need(Stateside.Needs.Shared, found.Reach != StoreReach.Process, found.Reach switch
            {
                StoreReach.Network => "every machine that can connect sees it",
                StoreReach.Machine => "every process of this machine sees it, none of another",
                _ => "only the process that opened it sees it",
            }),
            Need(Stateside.Needs.Watchable, found.Watchable, found.Watchable ? "the store tells of changes by itself" : "the store does not tell of changes"),
        ];
        return new Diagnosis(
            needs.All(n => n.Given || !n.Asked), shownUrl, found.Name, Word(found.Durability), Word(found.Reach), found.Watchable, found.MaxBodyBytes, found.Facts, needs);

        GivenNeed Need(Needs need, bool given, string why) => new(need.ToString(), given, asked.HasFlag(need), why);
    }

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, DiagnosisJson.Default.Diagnosis));

    /// <summary>Writes it for a person.</summary>
    public void Write(Surroundings surroundings)
    {
        var output = surroundings.Out;
        output.WriteLine($"store       {Store}");
        output.WriteLine($"durability  {Durability}");
        output.WriteLine($"reach       {Reach}");
        output.WriteLine();
        Tables.Write(surroundings, ["found", "value", "what follows"], Facts.Select(f => (string[])[f.Setting, f.Value, f.Meaning]));
        output.WriteLine();
        Tables.Write(surroundings, ["need", "given", "why"], Needs.Select(n => (string[])[n.Need, n.Given ? "yes" : n.Asked ? "NO" : "no", n.Why]));
        if (!Holds) output.WriteLine($"DOES NOT HOLD: not given: {string.Join(", ", Needs.Where(n => n.Asked && !n.Given).Select(n => n.Need))}");
    }

    private static string Word<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(Diagnosis))]
internal sealed partial class DiagnosisJson : JsonSerializerContext;
