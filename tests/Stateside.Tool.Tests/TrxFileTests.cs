using Stateside.Tool.Test;

namespace Stateside.Tool.Tests;

public sealed class TrxFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Of_what_a_test_measured_the_first_line_is_told()
    {
        var path = Path.Combine(_directory.Path, "said.trx");
        File.WriteAllText(path, """
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
            <UnitTestResult testName="A.B.ClusterTests.Kills(engine: &quot;redis&quot;)" outcome="Passed"><Output><StdOut>redis: p99 700 ms
            and more</StdOut></Output></UnitTestResult>
            <UnitTestResult testName="A.B.Quiet.Test" outcome="Passed" />
            </Results></TestRun>
            """);
        Assert.Equal([("ClusterTests.Kills(engine: \"redis\")", "redis: p99 700 ms")], TrxFile.Figures(path));
    }

    [Fact]
    public void Of_what_failed_the_message_is_told()
    {
        var path = _directory.Write("failed.trx", """
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
            <UnitTestResult testName="A.B.Cluster.Holds" outcome="Failed"><Output><StdOut>said</StdOut><ErrorInfo><Message>Assert.True() Failure
            Expected: True</Message><StackTrace>at A.B</StackTrace></ErrorInfo></Output></UnitTestResult>
            <UnitTestResult testName="A.B.Cluster.Hangs" outcome="Aborted" />
            <UnitTestResult testName="A.B.Cluster.Passes" outcome="Passed"><Output><StdOut>said</StdOut></Output></UnitTestResult>
            <UnitTestResult testName="A.B.Cluster.Skips" outcome="NotExecuted" />
            </Results></TestRun>
            """);
        var failures = TrxFile.Failures(path);
        Assert.Equal(["Cluster.Holds", "Cluster.Hangs"], failures.Select(f => f.Test));
        Assert.Equal(["Assert.True() Failure", "Expected: True"], failures[0].Message);
        Assert.Empty(failures[1].Message);
        Assert.Empty(TrxFile.Failures(Path.Combine(_directory.Path, "none.trx")));
    }

    private string Trx(params string[] outcomes) => _directory.Write("a.trx",
        "<TestRun xmlns=\"http://microsoft.com/schemas/VisualStudio/TeamTest/2010\"><Results>"
        + string.Concat(outcomes.Select(o => $"<UnitTestResult outcome=\"{o}\" />")) + "</Results></TestRun>");

    [Fact]
    public void Outcomes_are_counted() =>
        Assert.Equal(new TestCounts("p", 2, 1, 1, 3), TrxFile.Read("p", Trx("Passed", "Failed", "Passed", "NotExecuted"), 1, 3, mayBeEmpty: false));

    [Fact]
    public void A_run_that_broke_off_is_a_failure_though_no_test_failed() =>
        Assert.Equal(1, TrxFile.Read("p", Trx("Passed"), exitCode: 1, 3, mayBeEmpty: false).Failed);

    [Fact]
    public void A_missing_broken_or_empty_file_is_a_failure()
    {
        Assert.Equal(1, TrxFile.Read("p", Trx(), 0, 3, mayBeEmpty: false).Failed);
        Assert.Equal(1, TrxFile.Read("p", Path.Combine(_directory.Path, "none.trx"), 0, 3, mayBeEmpty: false).Failed);
        Assert.Equal(1, TrxFile.Read("p", _directory.Write("b.trx", "<TestRun><Results>"), 0, 3, mayBeEmpty: false).Failed);
    }

    [Fact]
    public void A_filter_may_leave_nothing_of_a_project() =>
        Assert.Equal(new TestCounts("p", 0, 0, 0, 3), TrxFile.Read("p", Path.Combine(_directory.Path, "none.trx"), 0, 3, mayBeEmpty: true));
}
