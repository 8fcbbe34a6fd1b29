using System.Globalization;

namespace Stateside.SystemTests.Support;

/// <summary>The numbers that a server tells at <c>/metrics</c>.</summary>
internal static class Metrics
{
    /// <summary>Trips to the store by this process; <paramref name="verb"/> is <c>load</c> or <c>commit</c>.</summary>
    public static Task<long> TripsAsync(Visitor visitor, string verb) => CounterAsync(visitor, $"stateside_store_duration_seconds_count{{stateside_verb=\"{verb}\"}}");

    /// <summary>A counter by its name and labels; 0 if it is not there yet.</summary>
    public static async Task<long> CounterAsync(Visitor visitor, string name)
    {
        name += " ";
        var line = (await visitor.GetAsync("/metrics")).Body.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.AsSpan(name.Length), CultureInfo.InvariantCulture);
    }
}
