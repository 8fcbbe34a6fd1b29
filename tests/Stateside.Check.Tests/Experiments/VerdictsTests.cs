using Stateside.Check.Experiments;
using Stateside.Check.Reports;

namespace Stateside.Check.Tests.Experiments;

public sealed class VerdictsTests
{
    private static readonly Knowledge s_all = new()
    {
        ShowsState = true,
        HasUnsafe = true,
        Retried = 1,
        NotMoved = null,
        NotRestarted = null,
        NotSpread = null,
        NotRetried = null,
        NoCredential = null,
        ServiceKeeps = true,
        CredentialIsSelfContained = false,
    };

    /// <summary>Findings as "rule question" with commas between; what is found, and what it says in the order Context, External, Retry, Spread, Auth.</summary>
    [Theory]
    [InlineData("", "hhhhh", Architecture.Hybrid)]
    [InlineData("CHK-MOVE Context", "fhhfh", Architecture.NeedsStickiness)]
    [InlineData("CHK-MOVE Context,CHK-RESTART External", "ffhfh", Architecture.LostWithProcess)]
    [InlineData("CHK-RESTART External", "hfhhh", Architecture.LostWithProcess)]
    [InlineData("CHK-STALE Spread", "hhhfh", Architecture.NeedsStickiness)]
    [InlineData("CHK-LOST Spread", "hhhfh", Architecture.Hybrid)]
    [InlineData("CHK-DOUBLED Retry", "hhfhh", Architecture.Hybrid)]
    [InlineData("CHK-LOGOUT Auth", "hhhhf", Architecture.NeedsStickiness)]
    public void Findings_decide_the_questions_that_they_belong_to(string found, string answers, Architecture architecture)
    {
        var findings = Findings(found);
        var verdicts = Verdicts.Of(findings, s_all);
        Assert.Equal(answers, Letters(verdicts));
        Assert.Equal(architecture, Verdicts.ArchitectureOf(verdicts, findings, s_all));
        Assert.Equal(found.Length > 0, Verdicts.Advice(verdicts, findings, architecture) is not null);
        Assert.All(verdicts.Where(v => v.Outcome == Outcome.Fails), v => Assert.NotEmpty(v.Evidence));
    }

    [Theory]
    [InlineData("CHK-STALE Spread", "cache")]
    [InlineData("CHK-STALE Spread,CHK-DOUBLED Retry", "cache")]
    [InlineData("CHK-STALE Spread,CHK-SPREAD Spread", "own disk")]
    [InlineData("CHK-MOVE Context", "own disk")]
    [InlineData("CHK-IDS Spread", "make ids")]
    [InlineData("CHK-LIMIT Spread", "rate limit")]
    [InlineData("CHK-LOGOUT Auth", "revoked credentials")]
    [InlineData("CHK-MOVE Context,CHK-RESTART External", "out of the process")]
    public void The_advice_is_for_what_was_found(string found, string advice)
    {
        var findings = Findings(found);
        var verdicts = Verdicts.Of(findings, s_all);
        Assert.Contains(advice, Verdicts.Advice(verdicts, findings, Verdicts.ArchitectureOf(verdicts, findings, s_all)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_that_only_a_cold_replica_served_is_not_said_to_be_served_by_all()
    {
        var stale = Findings("CHK-STALE Spread");
        Assert.Contains("which had never seen it", Verdicts.Of(stale, s_all)[0].Reason, StringComparison.Ordinal);
        var rescued = Verdicts.Of([.. stale.Select(f => f with { Experiment = "move" })], s_all)[0];
        Assert.Equal(Outcome.Holds, rescued.Outcome);
        Assert.Contains("one that had just been started", rescued.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("never seen it", rescued.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "what one replica issued was honoured by the others, and after a restart of all")]
    [InlineData("no --restart", "what one replica issued was honoured by the others; nothing was restarted")]
    public void A_credential_is_said_to_outlive_a_restart_only_where_there_was_one(string? notRestarted, string reason)
    {
        var known = new Knowledge { ShowsState = true, NotMoved = null, NotSpread = null, NotRestarted = notRestarted, NoCredential = null };
        Assert.Equal((Outcome.Holds, reason), (Verdicts.Of([], known)[4].Outcome, Verdicts.Of([], known)[4].Reason));
    }

    [Fact]
    public void Warnings_decide_nothing()
    {
        IReadOnlyList<Finding> findings = [.. Findings("CHK-COOKIE Auth,CHK-MOVE Context").Select(f => f with { Severity = Severity.Warning })];
        Assert.Equal("hhhhh", Letters(Verdicts.Of(findings, s_all)));
    }

    [Fact]
    public void A_scenario_that_proves_nothing_never_holds() =>
        Assert.Equal("?????", Letters(Verdicts.Of([], new Knowledge { NotMoved = null, NotRestarted = null, NotSpread = null, NotRetried = null })));

    [Fact]
    public void What_was_not_tried_cannot_be_told_and_says_why()
    {
        var known = new Knowledge { ShowsState = true, HasUnsafe = true, NotMoved = null, NotSpread = null, NotRestarted = "no --restart", NotRetried = "--only", NoCredential = "no login" };
        var verdicts = Verdicts.Of([], known);
        Assert.Equal("h??h?", Letters(verdicts));
        Assert.Equal("no --restart", verdicts[1].Reason);
        Assert.Equal("--only", verdicts[2].Reason);
        Assert.Equal("no login", verdicts[4].Reason);
    }

    [Fact]
    public void Evidence_counts_even_where_the_rest_cannot_be_told() =>
        Assert.Equal("f??f?", Letters(Verdicts.Of(Findings("CHK-MOVE Context"), new Knowledge { ShowsState = true })));

    [Theory]
    [InlineData(true, false, null, Architecture.Hybrid)]
    [InlineData(false, true, null, Architecture.Stateless)]
    [InlineData(false, false, true, Architecture.Stateless)]
    [InlineData(false, false, false, Architecture.Hybrid)]
    [InlineData(true, true, true, Architecture.Hybrid)]
    [InlineData(false, true, false, Architecture.Hybrid)]
    public void Where_all_holds_it_is_what_travels_that_makes_a_service_stateless(bool keeps, bool carries, bool? isSelfContained, Architecture architecture)
    {
        var known = new Knowledge { ShowsState = true, NotMoved = null, NotRestarted = null, NotSpread = null, ServiceKeeps = keeps, ClientCarries = carries, CredentialIsSelfContained = isSelfContained };
        Assert.Equal(architecture, Verdicts.ArchitectureOf(Verdicts.Of([], known), [], known));
    }

    [Fact]
    public void Of_several_scenarios_one_that_shows_state_is_enough()
    {
        var joined = Knowledge.Join([new Knowledge { NotMoved = "one step" }, new Knowledge { ShowsState = true, NotMoved = null }]);
        Assert.True(joined.ShowsState);
        Assert.Null(joined.NotMoved);
    }

    private static IReadOnlyList<Finding> Findings(string found) =>
    [
        .. found.Split(',', StringSplitOptions.RemoveEmptyEntries).Select((f, i) => f.Split(' ') is [var rule, var question]
            ? new Finding($"{rule}-{i}", rule, Severity.Error, Enum.Parse<Question>(question), "test", "title", "detail", "scenario")
            : throw new InvalidOperationException(f)),
    ];

    private static string Letters(IReadOnlyList<Verdict> verdicts) => string.Concat(verdicts.Select(v => v.Outcome switch { Outcome.Holds => 'h', Outcome.Fails => 'f', _ => '?' }));
}
