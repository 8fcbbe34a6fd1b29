using System.Globalization;
using Microsoft.Extensions.Configuration;
using Stateside.Sealing;

namespace Stateside.Configuration;

/// <summary>One entry of the configuration: all that the reader, the page docs/configuration.md and the JSON schema say of it.</summary>
/// <param name="Path">Its path below the section; <see cref="AnyName"/> stands for the name of a state.</param>
/// <param name="Meaning">One line.</param>
internal abstract record ConfigurationEntry(string Path, string Meaning)
{
    public const string AnyName = "*";

    /// <summary>When it has no effect; null: never.</summary>
    public string? Ignored { get; init; }

    /// <summary>In one or two words.</summary>
    public abstract string Kind { get; }

    /// <summary>As one would write it; null: none.</summary>
    public abstract string? DefaultText { get; }

    /// <summary>What a value must be, with unit and range: "It must be …".</summary>
    public abstract string Rule { get; }

    /// <summary>The whole path below <paramref name="section"/>.</summary>
    /// <param name="section">The section that is read.</param>
    /// <param name="name">The name of the state, for the entries of a state.</param>
    public string In(IConfiguration section, string name = "") => Combine(section, Path.Replace(AnyName, name, StringComparison.Ordinal));

    public static string Combine(IConfiguration section, string path) =>
        section is IConfigurationSection { Path: { Length: > 0 } root } ? $"{root}:{path}" : path;
}

/// <inheritdoc/>
/// <param name="Path">Its path below the section.</param>
/// <param name="Default">Its value where the configuration says nothing.</param>
/// <param name="Meaning">One line.</param>
internal abstract record ConfigurationEntry<T>(string Path, T Default, string Meaning) : ConfigurationEntry(Path, Meaning)
{
    public abstract bool TryParse(string text, out T value);

    /// <summary>The value in <paramref name="section"/>; the default where there is none, or where it is wrong and a fault was added.</summary>
    public T Read(IConfiguration section, List<ConfigurationFault> faults, string name = "")
    {
        var text = section[Path.Replace(AnyName, name, StringComparison.Ordinal)];
        if (text is null) return Default;
        if (TryParse(text, out var value)) return value;
        faults.Add(Fault(In(section, name), text));
        return Default;
    }

    protected virtual ConfigurationFault Fault(string path, string given) => Faults.BadValue(path, given, Rule, DefaultText);
}

/// <summary>Yes or no.</summary>
internal sealed record FlagEntry(string Path, bool Default, string Meaning) : ConfigurationEntry<bool>(Path, Default, Meaning)
{
    public override string Kind => "flag";

    public override string DefaultText => Default ? "true" : "false";

    public override string Rule => "true or false";

    public override bool TryParse(string text, out bool value) => bool.TryParse(text, out value);
}

/// <summary>A whole number.</summary>
internal sealed record NumberEntry(string Path, int Default, int Min, int Max, string Unit, string Meaning) : ConfigurationEntry<int>(Path, Default, Meaning)
{
    public override string Kind => "number";

    public override string DefaultText => Default.ToString(CultureInfo.InvariantCulture);

    public override string Rule => string.Create(CultureInfo.InvariantCulture, $"a whole number of {Unit} from {Min} to {Max}");

    public override bool TryParse(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= Min && value <= Max;
}

/// <summary>A time span; null by default: never.</summary>
internal sealed record DurationEntry(string Path, TimeSpan? Default, TimeSpan Min, TimeSpan Max, string Meaning) : ConfigurationEntry<TimeSpan?>(Path, Default, Meaning)
{
    public override string Kind => "duration";

    public override string? DefaultText => Default?.ToString("c", CultureInfo.InvariantCulture);

    public override string Rule =>
        string.Create(CultureInfo.InvariantCulture, $"a duration from {Min:c} to {Max:c}, written [days.]hours:minutes:seconds with hours up to 23");

    public override bool TryParse(string text, out TimeSpan? value)
    {
        value = null;
        if (text.Length == 0 && Default is null) return true;
        // A bare number would be taken as days, which hardly anybody means who writes 30.
        if (!text.Contains(':') || !TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var span)) return false;
        value = span;
        return span >= Min && span <= Max;
    }
}

/// <summary>A text.</summary>
internal sealed record TextEntry(string Path, string Default, string Meaning) : ConfigurationEntry<string>(Path, Default, Meaning)
{
    public override string Kind => "text";

    public override string DefaultText => Default;

    public override string Rule => RuleText;

    public required string RuleText { get; init; }

    public required Func<string, bool> IsValid { get; init; }

    public override bool TryParse(string text, out string value)
    {
        value = text;
        return IsValid(text);
    }
}

/// <summary>Where a state lives.</summary>
internal sealed record PlaceEntry(string Path, Place Default, string Meaning) : ConfigurationEntry<Place>(Path, Default, Meaning)
{
    public static IReadOnlyList<string> Names { get; } = [nameof(Place.Client), nameof(Place.Store), nameof(Place.Node)];

    public override string Kind => "place";

    public override string DefaultText => Default.ToString();

    public override string Rule => "Client, Store or Node";

    public override bool TryParse(string text, out Place value)
    {
        // Not by Enum.TryParse, which also takes numbers and lists.
        for (value = Place.Client; value <= Place.Node; value++)
            if (string.Equals(Names[(int)value], text, StringComparison.OrdinalIgnoreCase)) return true;
        value = Default;
        return false;
    }

    protected override ConfigurationFault Fault(string path, string given) => Faults.UnknownPlace(path, given);
}

/// <summary>A place, or none.</summary>
internal sealed record FormerPlaceEntry(string Path, string Meaning) : ConfigurationEntry<Place?>(Path, null, Meaning)
{
    public override string Kind => "place";

    public override string? DefaultText => null;

    public override string Rule => "Client, Store or Node";

    public override bool TryParse(string text, out Place? value)
    {
        value = null;
        if (text.Length == 0) return true;
        if (!ConfigurationEntries.StatePlace.TryParse(text, out var place)) return false;
        value = place;
        return true;
    }

    protected override ConfigurationFault Fault(string path, string given) => Faults.UnknownPlace(path, given);
}

/// <summary>One of a few names.</summary>
internal sealed record ChoiceEntry<T>(string Path, string OneWord, T Default, string Meaning) : ConfigurationEntry<T>(Path, Default, Meaning) where T : struct, Enum
{
    public static IReadOnlyList<string> Names { get; } = Enum.GetNames<T>();

    public override string Kind => OneWord;

    public override string DefaultText => Default.ToString();

    public override string Rule => $"{string.Join(", ", Names.SkipLast(1))} or {Names[^1]}";

    public override bool TryParse(string text, out T value)
    {
        // Not by Enum.TryParse alone, which also takes numbers and lists.
        value = Default;
        return Names.FirstOrDefault(n => string.Equals(n, text, StringComparison.OrdinalIgnoreCase)) is { } name && Enum.TryParse(name, out value);
    }
}

/// <summary>Secrets of 32 bytes. Nothing of what was given is ever repeated.</summary>
internal sealed record SecretsEntry(string Path, string Meaning) : ConfigurationEntry<IReadOnlyList<byte[]>>(Path, [], Meaning)
{
    private const int Most = 8;

    public override string Kind => "secrets";

    public override string? DefaultText => null;

    public override string Rule => "1 to 8 keys of 32 random bytes each, in base64, with commas between (openssl rand -base64 32 makes one)";

    public override bool TryParse(string text, out IReadOnlyList<byte[]> value)
    {
        value = [];
        if (text.Length == 0) return true;
        var parts = text.Split(',', Most + 1, StringSplitOptions.TrimEntries);
        var keys = new List<byte[]>();
        foreach (var part in parts)
        {
            var key = new byte[SealKey.SecretBytes];
            if (!Convert.TryFromBase64String(part, key, out var length) || length != key.Length || part.Length != 44) return false;
            keys.Add(key);
        }
        if (keys.Count > Most || keys.Select(Convert.ToBase64String).Distinct().Count() != keys.Count) return false;
        value = keys;
        return true;
    }

    protected override ConfigurationFault Fault(string path, string given) => Faults.BadSecret(path, Rule);
}
