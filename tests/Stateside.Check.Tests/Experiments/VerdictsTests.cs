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
    [InlineData(true, "what one replica issued was honoured by another, and after a restart of all")]
    [InlineData(false, "what one replica issued was honoured by another; not tried after a restart")]
    public void A_credential_is_said_to_outlive_a_restart_only_where_there_was_one(bool outlived, string reason)
    {
        var known = new Knowledge { ShowsState = true, NotMoved = null, NotSpread = null, NoCredential = null, CredentialIsIssued = true, CredentialOutlived = outlived };
        Assert.Equal((Outcome.Holds, reason), (Verdicts.Of([], known)[4].Outcome, Verdicts.Of([], known)[4].Reason));
    }

    private static readonly NotShown s_refused = new("a.http", 2, "create", "which is answered 400");
    private static readonly NotShown s_unread = new("b.http", 5, "mail", NotShown.Unread);

    [Fact]
    public void Steps_whose_retry_shows_nothing_are_named_and_not_said_to_have_had_their_effect_once()
    {
        Assert.Equal((Outcome.Holds, "every unsafe step was sent twice, one after the other and at once, and no second effect was seen"), Retry(new Knowledge { Retried = 2, Raced = 2 }));
        Assert.Equal((Outcome.Holds, "1 of 3 unsafe steps was sent twice, one after the other and at once, and no second effect was seen; "
            + "not judged: step 2 (create), which is answered 400; step 5 (mail), which no later step reads back"), Retry(new Knowledge { Retried = 1, Raced = 1, NotShown = [s_refused, s_unread] }));
        Assert.Contains("; and 2 more", Retry(new Knowledge { Retried = 1, NotShown = [.. Enumerable.Repeat(s_refused, 7)] }).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_retry_shows_anything_it_cannot_be_told()
    {
        Assert.Equal((Outcome.CannotTell, "no later step shows what the unsafe steps did: read back what was written"), Retry(new Knowledge { NotShown = [s_unread] }));
        Assert.Equal((Outcome.CannotTell, "no unsafe step could show a second effect: step 2 (create), which is answered 400"), Retry(new Knowledge { NotShown = [s_refused] }));
    }

    [Fact]
    public void Of_several_scenarios_a_step_is_named_with_its_own()
    {
        var joined = Knowledge.Join([new Knowledge { HasUnsafe = true, NotRetried = null, Retried = 1, NotShown = [s_refused] }, new Knowledge { HasUnsafe = true, NotRetried = null, Retried = 1 }]);
        Assert.StartsWith("2 of 3 unsafe steps were sent twice", Verdicts.Of([], joined)[2].Reason, StringComparison.Ordinal);
        Assert.EndsWith("step 2 (create of a.http), which is answered 400", Verdicts.Of([], joined)[2].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_scenario_whose_retries_broke_off_is_not_counted_with_those_of_another()
    {
        var brokenOff = new Knowledge { HasUnsafe = true, NotRetried = "a replica did not come back", Retried = 1, Raced = 1, NotShown = [s_unread with { Why = "which was not sent twice" }] };
        var joined = Knowledge.Join([new Knowledge { HasUnsafe = true, NotRetried = null, Retried = 2, Raced = 1 }, brokenOff]);
        Assert.Equal("2 of 3 unsafe steps were sent twice, one after the other and 1 of them at once, and no second effect was seen; not judged: step 5 (mail of b.http), which was not sent twice",
            Verdicts.Of([], joined)[2].Reason);
    }

    private static (Outcome Outcome, string Reason) Retry(Knowledge known)
    {
        (known.HasUnsafe, known.NotRetried) = (true, null);
        var verdict = Verdicts.Of([], known)[2];
        return (verdict.Outcome, verdict.Reason);
    }

    [Fact]
    public void It_says_of_restarts_and_writes_at_once_only_what_was_tried()
    {
        Assert.DoesNotContain("all", Verdicts.Of([], s_all)[1].Reason.Split(' '));
        Assert.Equal("requests went over the replicas in turn, without a difference", Verdicts.Of([], new Knowledge { ShowsState = true, NotSpread = null })[3].Reason);
        Assert.DoesNotContain("concurrent", Verdicts.Of([], s_all)[3].Reason, StringComparison.Ordinal);
        var more = new Knowledge { ShowsState = true, NotRestarted = null, NotSpread = null, AllRestarted = true, AddedUp = true };
        Assert.EndsWith(", and after one of all", Verdicts.Of([], more)[1].Reason, StringComparison.Ordinal);
        Assert.EndsWith("; no concurrent write was lost", Verdicts.Of([], more)[3].Reason, StringComparison.Ordinal);
        Assert.False(Knowledge.Join([more, new Knowledge { AddedUp = false }]).AddedUp);
        Assert.False(Knowledge.Join([more, new Knowledge { ShowsState = true, NotRestarted = null }]).AllRestarted);
    }

    [Fact]
    public void A_replica_that_was_late_for_a_moment_is_not_said_to_have_made_no_difference()
    {
        IReadOnlyList<Finding> Late(string experiment) => [.. Findings("CHK-STALE Spread").Select(f => f with { Severity = Severity.Warning, Question = null, Experiment = experiment, Title = "for a moment, it shows" })];
        Assert.EndsWith(", except for a moment after a write", Verdicts.Of(Late("spread"), s_all)[3].Reason, StringComparison.Ordinal);
        Assert.EndsWith(", except for a moment after a write", Verdicts.Of(Late("move"), s_all)[3].Reason, StringComparison.Ordinal);
        Assert.EndsWith(", except for a moment after a write", Verdicts.Of(Late("move"), s_all)[0].Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("moment", Verdicts.Of(Late("spread"), s_all)[0].Reason, StringComparison.Ordinal);
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
