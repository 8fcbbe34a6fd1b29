using Stateside.Check.Conversations;

namespace Stateside.Check;

/// <summary>How a check is done.</summary>
public sealed record CheckOptions
{
    /// <summary>The experiments that are done, by name; empty: all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>How often the scenario is run for the baseline. Default 5, range 3 to 50.</summary>
    public int Repeat { get; init; } = 5;

    /// <summary>
    /// What is not compared: a place as reports write it (<c>json:$.total</c>, <c>header:x-served-by</c>; what begins so is ignored too), a JSON path, a header's name, or
    /// <c>/regular expression/</c>, whose matches are taken out of all values.
    /// </summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>How many sets of replicas are used, and how many sessions are had, side by side. Default 4, range 1 to 32.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>How many requests the parallel experiment sends at once. Default 20, range 2 to 200.</summary>
    public int Copies { get; init; } = 20;

    /// <summary>What conversations share.</summary>
    public ConversationOptions Conversation { get; init; } = new();
}

/// <summary>How far a check is; called from any thread.</summary>
/// <param name="Scenario">The scenario.</param>
/// <param name="Experiment">The experiment that goes on.</param>
/// <param name="Step">The step that was sent last, from 1, or null.</param>
/// <param name="Done">The experiments that are done.</param>
/// <param name="Total">How many there are.</param>
public sealed record CheckProgress(string Scenario, string Experiment, int? Step, int Done, int Total);
