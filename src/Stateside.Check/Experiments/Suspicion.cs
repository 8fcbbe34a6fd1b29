using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>What an experiment found, before it is written down: with all that a report, and a reproduction of it, needs.</summary>
/// <param name="Rule">The rule's code.</param>
/// <param name="Severity">How grave.</param>
/// <param name="Question">The question it belongs to, or null.</param>
/// <param name="Experiment">The experiment.</param>
/// <param name="Title">One line.</param>
/// <param name="Detail">A few sentences.</param>
internal sealed record Suspicion(string Rule, Severity Severity, Question? Question, string Experiment, string Title, string Detail)
{
    /// <summary>Where it shows, or null.</summary>
    public Difference? Difference { get; init; }

    /// <summary>The step at which it shows, where there is no difference to name it.</summary>
    public int? Step { get; init; }

    /// <summary>The step that made the state, or null.</summary>
    public int? MadeBy { get; init; }

    /// <summary>What was done, or null.</summary>
    public IReadOnlyList<Act>? Plan { get; init; }

    /// <summary>The same on one replica.</summary>
    public IReadOnlyList<Act>? Control { get; init; }

    /// <summary>What came.</summary>
    public Run? Run { get; init; }

    /// <summary>The exchange that was expected, or null.</summary>
    public Exchange? Expected { get; init; }

    /// <summary>The exchange that came, or null.</summary>
    public Exchange? Actual { get; init; }

    /// <summary>The reproduction, once it is made.</summary>
    public string? Reproduction { get; init; }
}
