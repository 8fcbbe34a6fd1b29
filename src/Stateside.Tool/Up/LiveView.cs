using System.Collections.Concurrent;
using System.Globalization;
using Spectre.Console;

namespace Stateside.Tool.Up;

/// <summary>What the nodes do, refreshed each half second, where the output is a terminal.</summary>
internal static class LiveView
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(500);

    private const int MostMessages = 8;

    /// <summary>Shows it until it is cancelled.</summary>
    /// <param name="fleet">The gateway and the nodes.</param>
    /// <param name="messages">What there is to say beside it.</param>
    /// <param name="surroundings">The clock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task ShowAsync(IReadOnlyList<Supervised> fleet, ConcurrentQueue<string> messages, Surroundings surroundings, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(1) };
        var rows = fleet.Select(one => new NodeRow(one)).ToArray();
        await AnsiConsole.Live(Draw(rows, messages)).StartAsync(async view =>
        {
            while (true)
            {
                await Task.WhenAll(rows.Select(row => row.RefreshAsync(http, surroundings.Time, cancellationToken)));
                view.UpdateTarget(Draw(rows, messages));
                await Task.Delay(s_every, surroundings.Time, cancellationToken);
            }
        });
    }

    private static Rows Draw(IEnumerable<NodeRow> rows, ConcurrentQueue<string> messages)
    {
        while (messages.Count > MostMessages) messages.TryDequeue(out _);
        var table = new Table().AddColumns("node", "address", "state");
        foreach (var title in (string[])["shards", "groups in memory", "requests/s", "forwards/s", "last hand-off"]) table.AddColumn(title, column => column.RightAligned());
        foreach (var row in rows) table.AddRow(row.Cells());
        return new Rows([table, .. messages.Select(m => new Text(m))]);
    }

    /// <summary>One line of it.</summary>
    private sealed class NodeRow(Supervised node)
    {
        private Dictionary<string, double> _now = new Dictionary<string, double>();
        private double _requests;
        private double _forwards;
        private long _at;

        public async Task RefreshAsync(HttpClient http, TimeProvider time, CancellationToken cancellationToken)
        {
            try
            {
                var next = MetricsText.Sums(await http.GetStringAsync(new Uri(node.Url + "/metrics"), cancellationToken));
                var seconds = time.GetElapsedTime(_at).TotalSeconds;
                if (_at != 0) (_requests, _forwards) = (Rate("stateside_turn_duration_seconds_count"), Rate("stateside_forward_duration_seconds_count"));
                (_now, _at) = (next, time.GetTimestamp());

                double Rate(string name) => Math.Max(0, (next.GetValueOrDefault(name) - _now.GetValueOrDefault(name)) / seconds);
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                (_now, _requests, _forwards, _at) = (new Dictionary<string, double>(), 0, 0, 0);
            }
        }

        public string[] Cells() =>
        [
            node.Name, node.Url, _at > 0 ? "serves" : node.IsRunning ? "starts" : "is down", Number("stateside_node_shards"), Number("stateside_node_groups"),
            _requests.ToString("N0", CultureInfo.InvariantCulture), _forwards.ToString("N0", CultureInfo.InvariantCulture),
            _now.TryGetValue("stateside_node_handoff_last_seconds", out var last) && last > 0 ? string.Create(CultureInfo.InvariantCulture, $"{last * 1000:N0} ms") : "–",
        ];

        private string Number(string name) => _now.TryGetValue(name, out var value) ? value.ToString("N0", CultureInfo.InvariantCulture) : "–";
    }
}

/// <summary>Reads the text that Prometheus reads.</summary>
internal static class MetricsText
{
    /// <summary>For each name the sum over its labels.</summary>
    public static Dictionary<string, double> Sums(string text)
    {
        var sums = new Dictionary<string, double>();
        foreach (var line in text.Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var end = line.IndexOfAny(['{', ' ']);
            var value = line.LastIndexOf(' ');
            if (end > 0 && double.TryParse(line.AsSpan(value + 1), CultureInfo.InvariantCulture, out var number)) sums[line[..end]] = sums.GetValueOrDefault(line[..end]) + number;
        }
        return sums;
    }
}
