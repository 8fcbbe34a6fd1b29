using System.Text.Json;
using Stateside.Tool.Bench;

namespace Stateside.Tool.Tests;

public sealed class BenchTests : IDisposable
{
    private static readonly Machine s_machine = new("processor", 2, 8, "system", "kernel", "runtime", "wrk");
    private static readonly BenchOptions s_options = new(4, 3, 32);
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_the_load_generator_counted_is_read_from_its_last_line()
    {
        var result = LoadResult.Parse("Running 4s test\n  Thread Stats\nresult 40000 4000000 213 1279 5\n");
        Assert.Equal(new LoadResult(40_000, TimeSpan.FromSeconds(4), 213, 1279, 5), result);
        Assert.Throws<FormatException>(() => LoadResult.Parse("unable to connect\n"));
    }

    [Theory]
    [InlineData(new[] { 3.0, 1.0, 2.0 }, 2.0, 1.0, 3.0)]
    [InlineData(new[] { 4.0, 1.0, 2.0, 3.0 }, 2.5, 1.0, 4.0)]
    [InlineData(new[] { 7.0 }, 7.0, 7.0, 7.0)]
    public void A_figure_is_the_median_with_the_extremes(double[] values, double median, double min, double max) =>
        Assert.Equal(new Figure(median, min, max), Figure.Of(values));

    [Fact]
    public void A_ratio_is_paired_with_the_bare_run_of_its_own_repetition()
    {
        // The machine doubles its speed in the second repetition: the ratio of the medians would say 0.67.
        var report = Report(bare: [100, 200, 100], read: [90, 180, 50]);
        var row = report.Rows.Single(r => r.Name == "memory-read");
        Assert.Equal(new Figure(0.9, 0.5, 0.9), row.Ratio);
        Assert.Equal(new Figure(1, 1, 1), report.Rows.Single(r => r.Name == "bare").Ratio);
        Assert.Equal(1.0, report.BareSpread);
    }

    [Fact]
    public void Speed_is_reported_and_only_wrong_answers_fail()
    {
        Assert.True(Report(bare: [100], read: [1]).Holds);
        Assert.False(Report(bare: [100], read: [100], errors: 1).Holds);
    }

    [Fact]
    public void The_json_is_what_its_page_says()
    {
        var output = new StringWriter();
        Report(bare: [100, 200], read: [90, 180]).WriteJson(output);
        using var json = JsonDocument.Parse(output.ToString());
        var root = json.RootElement;
        Assert.Equal(["machine", "options", "bare_spread", "busy_before", "rows"], root.EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            ["name", "requests_per_second", "ratio", "aim", "p50_microseconds", "p99_microseconds", "cores", "cpu_microseconds_per_request", "store_cpu_microseconds_per_request", "errors"],
            root.GetProperty("rows")[0].EnumerateObject().Select(p => p.Name));
        Assert.Equal(["median", "min", "max"], root.GetProperty("rows")[0].GetProperty("ratio").EnumerateObject().Select(p => p.Name));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("rows")[0].GetProperty("aim").ValueKind);
    }

    [Theory]
    [InlineData("bench --seconds 0", "1 to 600")]
    [InlineData("bench --repetitions 101", "1 to 100")]
    [InlineData("bench --connections 0", "1 to 1024")]
    [InlineData("bench --port 0", "1 to 65535")]
    [InlineData("bench --only mongo", "memory, sqlite, redis")]
    public async Task What_cannot_be_measured_is_one_line_with_the_fix_and_exit_code_2(string line, string fix)
    {
        var (code, output, error) = await Tool.RunAsync(_directory.Path, line.Split(' '));
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.Contains(fix, Assert.Single(error.TrimEnd('\n').Split('\n')));
    }

    private static BenchReport Report(double[] bare, double[] read, long errors = 0) => BenchReport.Of(s_machine, s_options, new Dictionary<BenchRow, List<BenchSample>>
    {
        [BenchRow.Bare] = [.. bare.Select(rate => new BenchSample(rate, 1, 2, 1, 1, 0, 0))],
        [BenchRow.All[1]] = [.. read.Select(rate => new BenchSample(rate, 1, 2, 1, 1, 0, errors))],
    }, [0.01]);
}
