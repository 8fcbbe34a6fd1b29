namespace Stateside.Check.Reports;

/// <summary>The five questions, in the order in which they are printed.</summary>
public enum Question
{
    /// <summary>Does each request carry everything needed to serve it?</summary>
    Context,

    /// <summary>Is session data kept outside the process?</summary>
    External,

    /// <summary>Are retries idempotent and safe?</summary>
    Retry,

    /// <summary>Does it scale out without sticky sessions?</summary>
    Spread,

    /// <summary>Is authentication stateless, that is, independent of the server that issued the credential?</summary>
    Auth,
}

/// <summary>The answer to a question.</summary>
public enum Outcome
{
    /// <summary>What was tried went well, and it was enough to say so.</summary>
    Holds,

    /// <summary>There is evidence against it.</summary>
    Fails,

    /// <summary>The scenario or the surroundings do not let it be told; the verdict says why.</summary>
    CannotTell,
}

/// <summary>Where the state of the service lives, in one line.</summary>
public enum Architecture
{
    /// <summary>stateless</summary>
    Stateless,

    /// <summary>hybrid: state outside the process</summary>
    Hybrid,

    /// <summary>stateful: needs stickiness, survives restart</summary>
    NeedsStickiness,

    /// <summary>stateful: lost with the process</summary>
    LostWithProcess,

    /// <summary>cannot tell</summary>
    CannotTell,
}

/// <summary>All that a check found. The JSON form of it is a documented contract (docs/check.md).</summary>
/// <param name="Scenarios">The scenarios' names.</param>
/// <param name="Replicas">How the replicas were named: URLs, or the launched command (masked).</param>
/// <param name="Architecture">The line in plain words.</param>
/// <param name="Advice">The one change that would help most, or null where nothing fails.</param>
/// <param name="Verdicts">One for each question, in order.</param>
/// <param name="Findings">All findings, the gravest first; those that are evidence of a verdict are named by it.</param>
/// <param name="Experiments">What was done, and how long it took.</param>
/// <param name="Notices">What was left out, ignored or correlated.</param>
/// <param name="Unrepeatable">Null, or what varied between twin runs of the baseline so that no verdict is possible (exit code 2).</param>
/// <param name="Elapsed">The whole time.</param>
public sealed record CheckReport(
    IReadOnlyList<string> Scenarios, IReadOnlyList<string> Replicas, Architecture Architecture, string? Advice, IReadOnlyList<Verdict> Verdicts,
    IReadOnlyList<Finding> Findings, IReadOnlyList<ExperimentRecord> Experiments, IReadOnlyList<string> Notices, string? Unrepeatable, TimeSpan Elapsed)
{
    /// <summary>What is an error whatever the question: the service ended while it was checked.</summary>
    public IEnumerable<Finding> Crashes => Findings.Where(f => f is { Severity: Severity.Error, Question: null });

    /// <summary>Whether something fails (exit code 1): a question, or the service itself.</summary>
    public bool Fails => Verdicts.Any(v => v.Outcome == Outcome.Fails) || Crashes.Any();
}

/// <summary>The answer to one question.</summary>
/// <param name="Question">The question.</param>
/// <param name="Outcome">The answer.</param>
/// <param name="Reason">One sentence: what showed it, or why it cannot be told.</param>
/// <param name="Evidence">Ids of the findings that decided it.</param>
public sealed record Verdict(Question Question, Outcome Outcome, string Reason, IReadOnlyList<string> Evidence);

/// <summary>How grave a finding is.</summary>
public enum Severity
{
    /// <summary>Worth knowing; decides nothing.</summary>
    Note,

    /// <summary>Weak or risky, though no question fails because of it.</summary>
    Warning,

    /// <summary>A question fails because of it.</summary>
    Error,
}

/// <summary>Something that was found.</summary>
/// <param name="Id">Unique in the report: the rule's code and a number, <c>CHK-SPREAD-1</c>.</param>
/// <param name="Rule">The rule's code, the same in all reports: see docs/check.md.</param>
/// <param name="Severity">How grave.</param>
/// <param name="Question">The question it belongs to, or null.</param>
/// <param name="Experiment">The experiment that found it.</param>
/// <param name="Title">One line, in plain words.</param>
/// <param name="Detail">What happened, in a few sentences, secrets masked.</param>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Step">The step at which it showed, from 1, or null.</param>
/// <param name="MadeBy">The step that made the state it depends on, from 1, or null.</param>
/// <param name="Place">Where the two responses differ (<c>json:$.user</c>), or null.</param>
/// <param name="Expected">What the baseline showed there, masked and shortened, or null.</param>
/// <param name="Actual">What was got instead, masked and shortened, or null.</param>
/// <param name="ExpectedExchange">The exchange of the baseline as text, masked, or null.</param>
/// <param name="ActualExchange">The exchange that differs as text, masked, or null.</param>
/// <param name="Reproduction">Curl commands that show it by themselves when pasted, or null.</param>
public sealed record Finding(
    string Id, string Rule, Severity Severity, Question? Question, string Experiment, string Title, string Detail, string Scenario,
    int? Step = null, int? MadeBy = null, string? Place = null, string? Expected = null, string? Actual = null,
    string? ExpectedExchange = null, string? ActualExchange = null, string? Reproduction = null);

/// <summary>An experiment that was done, or why it was not.</summary>
/// <param name="Name">Its name, as <c>--only</c> takes it.</param>
/// <param name="Scenario">The scenario.</param>
/// <param name="Runs">How often the scenario was run in it.</param>
/// <param name="Requests">The requests sent.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="LeftOut">Null, or why it was left out or broke off.</param>
public sealed record ExperimentRecord(string Name, string Scenario, int Runs, int Requests, TimeSpan Elapsed, string? LeftOut);
