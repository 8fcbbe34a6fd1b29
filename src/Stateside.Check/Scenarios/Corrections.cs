namespace Stateside.Check.Scenarios;

/// <summary>What the user corrects of the correlation that was found in a scenario.</summary>
/// <param name="Correlate">Values that are taken from a response, by name, place and the number of the step: <c>--correlate NAME=PLACE@STEP</c>.</param>
/// <param name="Leave">Names of found values that are sent as they were recorded: <c>--no-correlate NAME</c>.</param>
public sealed record Corrections(IReadOnlyList<Correction> Correlate, IReadOnlySet<string> Leave)
{
    /// <summary>None.</summary>
    public static Corrections None { get; } = new([], new HashSet<string>());

    /// <summary>Reads the two options.</summary>
    /// <exception cref="ScenarioException">One is not written so; the message shows how.</exception>
    public static Corrections Parse(IEnumerable<string> correlate, IEnumerable<string> leave) => new([.. correlate.Select(Correction.Parse)], leave.ToHashSet());
}

/// <summary>A value that the user says is taken from a response.</summary>
/// <param name="Name">The name under which it is kept.</param>
/// <param name="Place">Where it is: see <see cref="Comparing.Facts"/>.</param>
/// <param name="Step">The number of the step whose response holds it, from 1.</param>
public sealed record Correction(string Name, string Place, int Step)
{
    /// <summary>Reads <c>NAME=PLACE@STEP</c>.</summary>
    /// <exception cref="ScenarioException">It is not written so.</exception>
    public static Correction Parse(string text)
    {
        var equals = text.IndexOf('=');
        var at = text.LastIndexOf('@');
        return equals > 0 && at > equals + 1 && int.TryParse(text.AsSpan(at + 1), out var step) && step > 0
            ? new(text[..equals].Trim(), text[(equals + 1)..at].Trim(), step)
            : throw new ScenarioException($"--correlate takes NAME=PLACE@STEP, such as csrf=html:form[0].field[csrf]@4, not '{text}'");
    }
}
