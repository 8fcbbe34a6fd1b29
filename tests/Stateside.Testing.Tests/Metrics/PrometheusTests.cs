using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Stateside.AspNetCore.Metrics;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Metrics;

public sealed class PrometheusTests : IDisposable
{
    private readonly Factory _factory = new();
    private readonly MetricsCollector _collector;
    private readonly Meter _meter;

    public PrometheusTests()
    {
        _meter = _factory.Create(new MeterOptions("Stateside"));
        _collector = new MetricsCollector(_factory);
    }

    private string Page => PrometheusText.Write(_collector.Collect());

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
        _factory.Dispose();
    }

    [Fact]
    public void A_page_has_counters_gauges_and_histograms_in_order_of_their_names()
    {
        var duration = _meter.CreateHistogram("b.duration", "s", "How long.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.5, 2] });
        var runs = _meter.CreateCounter<long>("c.runs", "{run}", "How many.");
        _meter.CreateObservableUpDownCounter("a.active", () => 3, "{turn}", "How many now.");
        foreach (var value in new[] { 0.001, 0.25, 0.25, 2, 9 }) duration.Record(value, new KeyValuePair<string, object?>("verb", "load"));
        duration.Record(0.5, new KeyValuePair<string, object?>("verb", "commit"));
        runs.Add(2);
        runs.Add(5);

        Assert.Equal(
            """
            # HELP a_active How many now.
            # TYPE a_active gauge
            a_active 3
            # HELP b_duration_seconds How long.
            # TYPE b_duration_seconds histogram
            b_duration_seconds_bucket{verb="commit",le="0.001"} 0
            b_duration_seconds_bucket{verb="commit",le="0.5"} 1
            b_duration_seconds_bucket{verb="commit",le="2"} 1
            b_duration_seconds_bucket{verb="commit",le="+Inf"} 1
            b_duration_seconds_sum{verb="commit"} 0.5
            b_duration_seconds_count{verb="commit"} 1
            b_duration_seconds_bucket{verb="load",le="0.001"} 1
            b_duration_seconds_bucket{verb="load",le="0.5"} 3
            b_duration_seconds_bucket{verb="load",le="2"} 4
            b_duration_seconds_bucket{verb="load",le="+Inf"} 5
            b_duration_seconds_sum{verb="load"} 11.501
            b_duration_seconds_count{verb="load"} 5
            # HELP c_runs_total How many.
            # TYPE c_runs_total counter
            c_runs_total 7

            """, Page);
    }

    [Theory]
    [InlineData("stateside.turn.duration", "s", 2, "stateside_turn_duration_seconds")]
    [InlineData("a-b/c d", null, 1, "a_b_c_d")]
    [InlineData("9lives", "{life}", 0, "_9lives_total")]
    [InlineData("size", "By", 1, "size_bytes")]
    [InlineData("wait.seconds", "s", 1, "wait_seconds")]
    [InlineData("ratio", "1", 1, "ratio")]
    [InlineData("rate", "m/s", 1, "rate_m_s")]
    public void A_name_is_made_of_letters_digits_and_underscores_with_its_unit(string instrument, string? unit, int kind, string name) =>
        Assert.Equal(name, PrometheusText.NameOf(instrument, unit, (MetricKind)kind));

    [Fact]
    public void What_would_break_a_line_is_escaped_in_labels_and_help()
    {
        _meter.CreateCounter<long>("odd", null, "a \\ b\nc \"d\"").Add(1, new KeyValuePair<string, object?>("a.b", "\\ \" \n ü"), new("n", null), new("i", 7));
        Assert.Equal("# HELP odd_total a \\\\ b\\nc \"d\"\n# TYPE odd_total counter\nodd_total{a_b=\"\\\\ \\\" \\n ü\",n=\"\",i=\"7\"} 1\n", Page);
    }

    [Fact]
    public void Every_line_of_the_page_has_the_form_that_scrapers_read()
    {
        _meter.CreateCounter<double>("x", "s", "help").Add(1e-7, new KeyValuePair<string, object?>("a", "b,c}=\"d"));
        _meter.CreateObservableGauge("y", () => double.PositiveInfinity);
        _meter.CreateObservableGauge("z", () => double.NaN);
        const string value = """(?:[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?|[+-]Inf|NaN)""";
        const string label = """[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*" """;
        var line = $"^(?:# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*|# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (?:counter|gauge|histogram)|[a-zA-Z_:][a-zA-Z0-9_:]*(?:\\{{{label.Trim()}(?:,{label.Trim()})*\\}})? {value})$";
        Assert.EndsWith("\n", Page, StringComparison.Ordinal);
        Assert.All(Page.TrimEnd('\n').Split('\n'), l => Assert.Matches(line, l));
        Assert.Contains("y +Inf\n", Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_measurement_is_lost_when_many_threads_measure_at_once()
    {
        const int threads = 8, each = 200_000;
        var counter = _meter.CreateCounter<long>("count");
        var duration = _meter.CreateHistogram("time", "s", null, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });
        var balance = _meter.CreateUpDownCounter<int>("balance");
        using var start = new Barrier(threads);
        await Task.WhenAll(Enumerable.Range(0, threads).Select(t => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                for (var i = 0; i < each; i++)
                {
                    counter.Add(1, new KeyValuePair<string, object?>("t", (i % 10) switch { 0 => "a", _ => "b" }));
                    duration.Record(i % 2 == 0 ? 0.25 : 2);
                    balance.Add(i % 2 == 0 ? 1 : -1);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        var lines = Page.Split('\n');
        Assert.Contains($"count_total{{t=\"a\"}} {threads * each / 10}", lines);
        Assert.Contains($"count_total{{t=\"b\"}} {threads * each * 9 / 10}", lines);
        Assert.Contains($"time_seconds_bucket{{le=\"0.5\"}} {threads * each / 2}", lines);
        Assert.Contains($"time_seconds_bucket{{le=\"1\"}} {threads * each / 2}", lines);
        Assert.Contains($"time_seconds_count {threads * each}", lines);
        Assert.Contains($"time_seconds_sum {threads * each * 9 / 8}", lines);
        Assert.Contains("balance 0", lines);
    }

    [Fact]
    public async Task A_page_that_is_read_while_values_come_in_is_consistent_in_itself()
    {
        var duration = _meter.CreateHistogram("time", "s", null, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2] });
        using var stop = new CancellationTokenSource();
        var writing = Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; !stop.IsCancellationRequested; i++) duration.Record(i % 4);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (!Page.Contains("time_seconds_count", StringComparison.Ordinal)) Thread.Yield();
        for (var i = 0; i < 200; i++)
        {
            var values = Page.Split('\n').Where(l => l.StartsWith("time_seconds_bucket", StringComparison.Ordinal) || l.StartsWith("time_seconds_count", StringComparison.Ordinal))
                .Select(l => long.Parse(l.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(values.Order(), values);
            Assert.Equal(values[^1], values[^2]);
        }
        await stop.CancelAsync();
        await writing.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Recording_allocates_nothing_once_a_series_is_known()
    {
        var counter = _meter.CreateCounter<long>("count");
        var duration = _meter.CreateHistogram("time", "s", null, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });
        void Measure()
        {
            for (var i = 0; i < 1_000; i++)
            {
                counter.Add(1);
                duration.Record(0.25, new KeyValuePair<string, object?>("verb", i % 2 == 0 ? "load" : "commit"));
            }
        }
        Measure();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Measure();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512);
    }

    [Fact]
    public void The_number_of_series_is_bounded_and_what_is_beyond_is_counted_together()
    {
        var counter = _meter.CreateCounter<long>("count");
        for (var i = 0; i < MetricFamily.MaxSeries + 100; i++) counter.Add(1, new KeyValuePair<string, object?>("i", i));
        counter.Add(1, new KeyValuePair<string, object?>("i", 0));
        var lines = Page.Split('\n').Where(l => l.StartsWith("count_total", StringComparison.Ordinal)).ToList();
        Assert.Equal(MetricFamily.MaxSeries + 1, lines.Count);
        Assert.Contains("count_total{i=\"0\"} 2", lines);
        Assert.Contains("count_total{otel_metric_overflow=\"true\"} 100", lines);
    }

    [Fact]
    public void Only_the_meter_of_this_host_is_shown()
    {
        using var other = new Factory();
        other.Create(new MeterOptions("Stateside")).CreateCounter<long>("foreign").Add(1);
        _factory.Create(new MeterOptions("Microsoft.AspNetCore.Hosting")).CreateCounter<long>("hosting").Add(1);
        Assert.Equal("", Page);
    }

    [Fact]
    public async Task The_page_of_an_application_counts_its_turns()
    {
        await using var app = await TestApp.StartAsync(app =>
        {
            app.UseStateside();
            app.MapStatesideMetrics();
            app.MapPost("/add", (State<Cart> cart) => cart.Update(c => new Cart(c.Quantity + 1)));
        });
        await app.Client.PostAsync("/add", null);
        app.Store.ForceConflicts();
        await app.Client.PostAsync("/add", null);
        app.Store.FailLoads();
        await app.Client.PostAsync("/add", null);
        var response = await app.Client.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');
        Assert.Contains("stateside_turn_duration_seconds_count{stateside_outcome=\"done\"} 2", lines);
        Assert.Contains("stateside_turn_duration_seconds_count{stateside_outcome=\"SS3001\"} 1", lines);
        Assert.Contains("stateside_turn_duration_seconds_bucket{stateside_outcome=\"done\",le=\"0.0001\"} 2", lines);
        Assert.Contains("stateside_store_duration_seconds_count{stateside_verb=\"load\"} 2", lines);
        Assert.Contains("stateside_store_duration_seconds_count{stateside_verb=\"commit\"} 3", lines);
        Assert.Contains("stateside_turn_reruns_total 1", lines);
        Assert.Contains("stateside_turn_active 0", lines);
    }

    /// <summary>Makes meters that bear its own scope, as a host's does.</summary>
    private sealed class Factory : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose() => _meters.ForEach(m => m.Dispose());
    }
}
