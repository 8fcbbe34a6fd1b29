using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Stateside.Diagnostics;
using Stateside.AspNetCore.Metrics;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Metrics;

/// <summary>Holds docs/telemetry.md against the code, in both directions.</summary>
public sealed class TelemetryDocsTests
{
    private static readonly string Page = Files.Read("docs", "telemetry.md");

    [Fact]
    public async Task The_page_lists_every_instrument_with_its_kind_unit_and_words()
    {
        var instruments = new Dictionary<string, Instrument>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == "Stateside") instruments[instrument.Name] = instrument;
        };
        await using var app = await StartAsync();
        listener.Start();
        Assert.Equal(instruments.Keys.Where(n => n.StartsWith("stateside.", StringComparison.Ordinal)).Order(), Rows("Instrument").Select(r => r[0]).Order());
        foreach (var row in Rows("Instrument"))
        {
            var instrument = instruments[row[0]];
            var kind = MetricFamily.Of(instrument)!.Kind;
            Assert.Equal(instrument.GetType().Name switch
            {
                var name when name.Contains("UpDownCounter", StringComparison.Ordinal) => "up-down counter",
                var name when name.StartsWith("Histogram", StringComparison.Ordinal) => "histogram",
                _ => "counter",
            }, row[1]);
            Assert.Equal(instrument.Unit, row[2]);
            Assert.Equal(PrometheusText.NameOf(instrument.Name, instrument.Unit, kind), row[4]);
            Assert.Equal(instrument.Description, row[5]);
        }
    }

    [Fact]
    public async Task Turns_bear_the_attributes_and_spans_that_the_page_lists_and_no_others()
    {
        var attributes = new HashSet<(string, string)>();
        var spans = new HashSet<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "Stateside" && instrument.Name.StartsWith("stateside.", StringComparison.Ordinal)) l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
        {
            foreach (var tag in tags) lock (attributes) attributes.Add((instrument.Name, tag.Key));
        });
        using var activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Stateside",
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (spans) spans.Add(activity.OperationName);
            },
        };
        ActivitySource.AddActivityListener(activities);
        listener.Start();
        await using var app = await StartAsync();
        await app.Client.PostAsync("/add", null);
        await app.Client.PostAsync("/add", null);
        // One node alone passes nothing on.
        using (var telemetry = new Telemetry(TimeProvider.System)) telemetry.Forward("Answered", telemetry.Start());

        Assert.Equal(Rows("Instrument").Where(r => r[3].Length > 0).Select(r => (r[0], r[3])).Order(), attributes.Order());
        Assert.Equal(Rows("Span").Select(r => r[0]).Order(), spans.Order());
        Assert.Equal(attributes.Select(a => a.Item2).Distinct().Order(), Rows("Attribute").Select(r => r[0]).Order());
    }

    [Fact]
    public void The_page_lists_every_log_message_by_its_id_and_level()
    {
        var messages = Assemblies().SelectMany(a => a.GetTypes()).SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(m => m.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>()
            .Select(m => (m.EventId.ToString(CultureInfo.InvariantCulture), m.Level.ToString())).ToList();
        Assert.Equal(messages.Order(), Rows("Id").Select(r => (r[0], r[1])).Order());
        Assert.Equal(messages.Count, messages.DistinctBy(m => m.Item1).Count());
    }

    [Fact]
    public void Every_event_id_is_in_a_range_of_the_page()
    {
        var ranges = Rows("Event ids").Select(r => r[0].Split('–')).Select(r => (From: int.Parse(r[0], CultureInfo.InvariantCulture), To: int.Parse(r[1], CultureInfo.InvariantCulture))).ToList();
        Assert.All(Rows("Id").Select(r => int.Parse(r[0], CultureInfo.InvariantCulture)), id => Assert.Single(ranges, r => r.From <= id && id <= r.To));
    }

    private static IEnumerable<Assembly> Assemblies() =>
        [typeof(StatesideBuilder).Assembly, typeof(StatesideApplicationBuilderExtensions).Assembly, typeof(Stateside.Sqlite.SqliteStoreProvider).Assembly];

    private static Task<TestApp> StartAsync() => TestApp.StartAsync(app =>
    {
        app.UseStateside();
        app.MapPost("/add", (State<Cart> cart) => cart.Update(c => new Cart(c.Quantity + 1)));
    });

    /// <summary>The cells of the table whose first head is <paramref name="head"/>, without code marks.</summary>
    private static List<string[]> Rows(string head)
    {
        var rows = Page.Split('\n').SkipWhile(l => !l.StartsWith($"| {head} |", StringComparison.Ordinal)).Skip(2).TakeWhile(l => l.StartsWith('|'))
            .Select(l => l.Split('|')[1..^1].Select(c => c.Trim().Trim('`')).ToArray()).ToList();
        Assert.NotEmpty(rows);
        return rows;
    }
}
