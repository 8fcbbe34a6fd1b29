using System.Text.Json;
using System.Xml.Linq;
using Stateside.Tool.Bench;

namespace Stateside.Tool.Tests;

public sealed class BenchTests : IDisposable
{
    private static readonly Machine s_machine = new("processor", 2, 8, "system", "kernel", "runtime", "wrk");
    private static readonly BenchOptions s_options = new(4, 3, [32], [1]);
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_the_load_generator_counted_is_read_from_its_last_line()
    {
        var result = LoadResult.Parse("Running 4s test\n  Thread Stats\nresult 40000 4000000 213 1279 5 92 1169\n");
        Assert.Equal(new LoadResult(40_000, TimeSpan.FromSeconds(4), 213, 1279, 5, 92, 1169), result);
        Assert.Throws<FormatException>(() => LoadResult.Parse("unable to connect\n"));
        Assert.Equal(new HotLoadResult(9_000, 7, TimeSpan.FromSeconds(2), 300, 4000, 1), HotLoadResult.Parse("Running 2s test\nhot 9000 7 2000000 300 4000 1\n"));
        Assert.Throws<FormatException>(() => HotLoadResult.Parse("result 1 2 3 4 5 6\n"));
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
        var row = report.Rows.Single(r => r.Name == "client-read");
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
    public void What_was_known_to_be_missing_is_said_and_does_not_fail_and_what_broke_does()
    {
        Assert.True(Report(bare: [100], read: [100], leftOut: new("express-redis", "Node.js is missing", IsFault: false)).Holds);
        var broken = Report(bare: [100], read: [100], leftOut: new("redis", "it did not start", IsFault: true));
        Assert.False(broken.Holds);
        Assert.Contains("not measured: redis: it did not start", Written(broken));
    }

    [Fact]
    public void A_ratio_is_to_bare_with_as_many_connections_and_as_large_a_cart()
    {
        var read = BenchRow.All.Single(row => row.Name == "redis-read");
        var report = BenchReport.Of(s_machine, s_options with { Connections = [1, 32], Kilobytes = [1, 4] }, new Dictionary<BenchCase, List<BenchSample>>
        {
            [new(BenchRow.Bare, 32, 1)] = [Sample(100)],
            [new(BenchRow.Bare, 1, 1)] = [Sample(50)],
            [new(BenchRow.Bare, 32, 4)] = [Sample(40)],
            [new(read, 32, 1)] = [Sample(20)],
            [new(read, 1, 1)] = [Sample(20)],
            [new(read, 32, 4)] = [Sample(20)],
        }, [0.01], []);
        Assert.Equal([0.2, 0.4, 0.5], report.Rows.Where(row => row.Name == "redis-read").Select(row => row.Ratio.Median));
        Assert.Equal([0.58, null, null], report.Rows.Where(row => row.Name == "redis-read").Select(row => row.Aim));
        Assert.Equal([100.0, 20.0], report.MainRows.Select(row => row.RequestsPerSecond.Median));
    }

    [Fact]
    public void The_json_is_what_its_page_says()
    {
        var root = Json(Report(bare: [100, 200], read: [90, 180], leftOut: new("redis", "it did not start", IsFault: true)).WriteJson);
        Assert.Equal(["machine", "options", "bare_spread", "busy_before", "rows", "left_out"], Names(root));
        Assert.Equal(["seconds", "repetitions", "connections", "kilobytes"], Names(root.GetProperty("options")));
        Assert.Equal(
            [
                "name", "connections", "kilobytes", "requests_per_second", "ratio", "aim", "p50_microseconds", "p99_microseconds", "cores", "cpu_microseconds_per_request",
                "store_cpu_microseconds_per_request", "trips_per_request", "request_bytes", "response_bytes", "errors",
            ],
            Names(root.GetProperty("rows")[0]));
        Assert.Equal(["median", "min", "max"], Names(root.GetProperty("rows")[0].GetProperty("ratio")));
        Assert.Equal(["server", "reason", "is_fault"], Names(root.GetProperty("left_out")[0]));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("rows")[0].GetProperty("aim").ValueKind);
        Assert.Equal(JsonValueKind.Null, root.GetProperty("rows")[0].GetProperty("trips_per_request").ValueKind);
        AssertOnItsPage(root);
    }

    [Fact]
    public void The_json_of_a_hot_key_is_what_its_page_says()
    {
        var root = Json(Hot(lost: 0).WriteJson);
        Assert.Equal(["machine", "options", "rows"], Names(root));
        Assert.Equal(
            ["name", "connections", "turns_per_second", "p50_microseconds", "p99_microseconds", "trips_per_turn", "conflicts", "reruns", "lost", "errors"],
            Names(root.GetProperty("rows")[0]));
        AssertOnItsPage(root);
    }

    [Fact]
    public void A_hot_key_may_conflict_and_may_lose_nothing()
    {
        Assert.True(Hot(lost: 0).Holds);
        Assert.False(Hot(lost: 1).Holds);
        Assert.Equal(10, Hot(lost: 0).Rows[0].Conflicts);
    }

    [Fact]
    public void The_json_of_a_forward_is_what_its_page_says()
    {
        var root = Json(Forward(errors: 0).WriteJson);
        Assert.Equal(["machine", "options", "rows"], Names(root));
        Assert.Equal(
            ["name", "method", "connections", "requests_per_second", "cpu_microseconds_per_request", "cpu_to_haproxy", "aim", "p50_microseconds", "p99_microseconds", "node_cpu_microseconds_per_request", "errors"],
            Names(root.GetProperty("rows")[0]));
        AssertOnItsPage(root);
    }

    [Fact]
    public void A_forward_is_compared_with_haproxy_in_the_same_repetition()
    {
        var rows = Forward(errors: 0).Rows;
        var gateway = rows.Single(row => row.Name == "gateway");
        Assert.Equal((new Figure(2.5, 2, 3), 1.5), (gateway.CpuToHaproxy, gateway.Aim));
        var direct = rows.Single(row => row.Name == "direct");
        Assert.Equal((null, null, null), (direct.CpuMicrosecondsPerRequest, direct.CpuToHaproxy, direct.Aim));
        Assert.False(Forward(errors: 1).Holds);
        Assert.True(Forward(errors: 0).Holds);
    }

    [Fact]
    public void The_json_of_what_a_state_takes_is_what_its_page_says()
    {
        var report = MemoryReport.Of(s_machine, 1000, 2, new Dictionary<BenchServer, List<MemorySample>> { [BenchServer.NodeNone] = [new(11, 390, 360, 500), new(11, 410, 380, 520)] });
        var root = Json(report.WriteJson);
        Assert.Equal(["machine", "keys", "repetitions", "rows"], Names(root));
        Assert.Equal(["name", "json_bytes", "used_overhead_bytes", "idle_overhead_bytes", "aim", "process_bytes"], Names(root.GetProperty("rows")[0]));
        Assert.Equal(new Figure(400, 390, 410), report.Rows[0].UsedOverheadBytes);
        AssertOnItsPage(root);
    }

    [Fact]
    public void The_chart_has_a_bar_for_each_row_as_long_as_its_ratio()
    {
        var svg = XDocument.Parse(BenchChart.Draw(Report(bare: [100, 100], read: [50, 50])));
        var bars = svg.Descendants().Where(e => e.Name.LocalName == "rect" && (string?)e.Attribute("height") == "14").Select(e => (double)e.Attribute("width")!).ToList();
        Assert.Equal(2, bars.Count);
        Assert.Equal(0.5, bars[1] / bars[0], 0.01);
        Assert.Contains(svg.Descendants(), e => e.Value == "client-read");
    }

    [Fact]
    public void A_run_replaces_its_table_and_nothing_else_of_a_page()
    {
        var page = $"before\n{BenchMarkdown.Begin}\nan old table\n{BenchMarkdown.End}\nafter\n";
        var table = BenchMarkdown.Table(Report(bare: [100], read: [50]));
        Assert.Contains("| client-read | 50 | 0.50 (0.50–0.50) | 0.00 / 0.0 ms | 1 µs | – | 140 |", table);
        var once = BenchMarkdown.Insert(page, table);
        Assert.Equal($"before\n{BenchMarkdown.Begin}\n{table}{BenchMarkdown.End}\nafter\n", once);
        Assert.Equal(once, BenchMarkdown.Insert(once!, table));
        Assert.Null(BenchMarkdown.Insert("a page without marks", table));
        Assert.Null(BenchMarkdown.Insert(BenchMarkdown.Begin + " and no end", table));
    }

    [Theory]
    [InlineData("", "id=1; path=/; httponly", "id=1")]
    [InlineData("id=1; cart=a=", "cart=b=; secure", "id=1; cart=b=")]
    [InlineData("id=1; cart=a", "cart=; expires=Thu, 01 Jan 1970 00:00:00 GMT", "id=1")]
    public void The_load_sends_the_cookies_that_a_browser_would(string had, string set, string sends) => Assert.Equal(sends, Carts.Merge(had, [set]));

    [Fact]
    public void The_packages_of_other_ecosystems_are_pinned_to_their_content_and_to_no_place()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "bench", "express", "package-lock.json")));
        var packages = file.RootElement.GetProperty("packages").EnumerateObject().Where(p => p.Name.Length > 0).Select(p => p.Value).ToList();
        Assert.NotEmpty(packages);
        Assert.All(packages, p => Assert.StartsWith("sha512-", p.GetProperty("integrity").GetString()));
        Assert.All(packages, p => Assert.False(p.TryGetProperty("resolved", out _)));
    }

    [Theory]
    [InlineData("bench --seconds 0", "1 to 600")]
    [InlineData("bench --repetitions 101", "1 to 100")]
    [InlineData("bench --connections 0", "1 to 1024")]
    [InlineData("bench --port 0", "1 to 65535")]
    [InlineData("bench --connections 1,x", "1 to 1024")]
    [InlineData("bench --connections 1.5", "1 to 1024")]
    [InlineData("bench --size 0.05", "0.1 to 64")]
    [InlineData("bench --size 1,", "0.1 to 64")]
    [InlineData("bench --only mongo", "memory, sqlite, redis")]
    [InlineData("bench --hot --only session", "memory, sqlite, node-sqlite, redis, node-redis, postgres, node-postgres, node-checkpoint, node-none")]
    [InlineData("bench --hot --size 4", "neither --size")]
    [InlineData("bench --forward --size 4", "--forward goes with neither --size")]
    [InlineData("bench --forward --only redis", "direct, gateway, haproxy, nginx")]
    [InlineData("bench --memory --readme", "--memory goes with neither --size nor --chart nor --readme")]
    [InlineData("bench --memory --only redis", "node-none, node-sqlite")]
    [InlineData("bench --memory --keys 10", "1000 to 20000000")]
    [InlineData("bench --hot --forward", "one at a time")]
    [InlineData("bench --hot --readme", "nor --readme")]
    [InlineData("bench --chart nowhere/at/all.svg", "no such directory")]
    public async Task What_cannot_be_measured_is_one_line_with_the_fix_and_exit_code_2(string line, string fix)
    {
        var (code, output, error) = await Tool.RunAsync(_directory.Path, line.Split(' '));
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.Contains(fix, Assert.Single(error.TrimEnd('\n').Split('\n')));
    }

    private static BenchReport Report(double[] bare, double[] read, long errors = 0, LeftOut? leftOut = null) => BenchReport.Of(s_machine, s_options, new Dictionary<BenchCase, List<BenchSample>>
    {
        [new(BenchRow.Bare, 32, 1)] = [.. bare.Select(rate => Sample(rate))],
        [new(BenchRow.All[1], 32, 1)] = [.. read.Select(rate => Sample(rate, errors))],
    }, [0.01], leftOut is null ? [] : [leftOut]);

    private static BenchSample Sample(double rate, long errors = 0) => new(rate, 1, 2, 1, 1, 0, null, 40, 100, errors);

    private static ForwardReport Forward(long errors) => ForwardReport.Of(s_machine, s_options, new Dictionary<ForwardCase, List<ForwardSample>>
    {
        [new(Front.Direct, "GET", 32)] = [new(100, 1, 2, 0, 10, 0), new(100, 1, 2, 0, 10, 0)],
        [new(Front.Gateway, "GET", 32)] = [new(50, 1, 2, 20, 10, errors), new(50, 1, 2, 60, 10, 0)],
        [new(Front.Haproxy, "GET", 32)] = [new(60, 1, 2, 10, 10, 0), new(60, 1, 2, 20, 10, 0)],
    });

    private static HotReport Hot(long lost) => HotReport.Of(s_machine, s_options, new Dictionary<(BenchServer, int), List<HotSample>>
    {
        [(BenchServer.Memory, 256)] = [new(100, 1, 2, 4, 5, 2, lost, 0), new(100, 1, 2, 6, 5, 2, 0, 0)],
    });

    private static string Written(BenchReport report)
    {
        var output = new StringWriter();
        report.Write(new Surroundings(output, output, IsTerminal: false, "", TimeProvider.System));
        return output.ToString();
    }

    private static JsonElement Json(Action<TextWriter> write)
    {
        var output = new StringWriter();
        write(output);
        return JsonSerializer.Deserialize<JsonElement>(output.ToString());
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(p => p.Name);

    /// <summary>Every member, however deep, is explained.</summary>
    private static void AssertOnItsPage(JsonElement element)
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "benchmarks.md"));
        foreach (var name in AllNames(element)) Assert.Contains($"`{name}`", page);

        static IEnumerable<string> AllNames(JsonElement at) => at.ValueKind switch
        {
            JsonValueKind.Object => at.EnumerateObject().SelectMany(p => AllNames(p.Value).Prepend(p.Name)),
            JsonValueKind.Array => at.EnumerateArray().SelectMany(AllNames),
            _ => [],
        };
    }
}
