using Stateside.Check.Reports;

namespace Stateside.Check.Zoo.Tests;

/// <summary>A small real service with one truth, which <c>check</c> has to find out from outside.</summary>
/// <param name="Name">Its name, which begins with that of its language.</param>
/// <param name="Launch">The launch line. Braces that <c>check</c> fills in: port, i, dir. Those that the suite fills in before: see <see cref="Rig.Fill"/>.</param>
/// <param name="Scenario">The file in <c>scenarios/</c>.</param>
/// <param name="Truth">What is the case.</param>
internal sealed record Service(string Name, string Launch, string Scenario, Truth Truth)
{
    /// <summary>What its name begins with.</summary>
    public string Language => Name.Split('-')[0];

    /// <summary>Added to the environment of every replica; filled in as the launch line is.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The path that answers when it serves.</summary>
    public string Ready { get; init; } = "/";

    /// <summary>Whether its check takes long because it waits: it begins before the others, which go on beside it.</summary>
    public bool IsSlow { get; init; }

    public override string ToString() => Name;
}

/// <summary>What is the case with a service.</summary>
/// <param name="Answers">The answers to Context, External, Retry, Spread and Auth in one word of five letters: h holds, f fails, ? cannot be told with this scenario.</param>
/// <param name="Architecture">Where its state lives.</param>
/// <param name="Rules">The rules that must be among the findings, with spaces between; A|B where either says it.</param>
/// <param name="Why">Why this is the truth, in a sentence.</param>
internal sealed record Truth(string Answers, Architecture Architecture, string Rules, string Why)
{
    public Outcome this[Question question] => Answers[(int)question] switch
    {
        'h' => Outcome.Holds,
        'f' => Outcome.Fails,
        '?' => Outcome.CannotTell,
        var other => throw new InvalidOperationException($"'{other}' is no answer"),
    };

    public IEnumerable<string[]> MustAppear => Rules.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(rule => rule.Split('|'));
}
