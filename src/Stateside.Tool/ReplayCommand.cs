using System.CommandLine;
using Stateside.Tool.Replay;

namespace Stateside.Tool;

/// <summary><c>replay</c>: drives the shop with real orders and reconciles what it answers with the file, to the penny.</summary>
internal static class ReplayCommand
{
    private static readonly TimeSpan s_waitForServer = TimeSpan.FromSeconds(5);

    public static Command Create(Surroundings surroundings)
    {
        var file = new Argument<string>("file") { Description = "Order lines as CSV, gzipped or not, with the columns InvoiceNo, StockCode, Quantity and UnitPrice.", HelpName = "FILE" };
        var url = new Option<string>("--url") { Description = "The shop, for example http://127.0.0.1:8080", Required = true, HelpName = "URL" };
        var sessions = new Option<int>("--sessions") { Description = "How many customers shop at the same time, 1 to 1024.", DefaultValueFactory = _ => 32, HelpName = "N" };
        var resend = new Option<int>("--resend") { Description = "How many of 100 writing requests are sent twice under one key, half at once and half later.", DefaultValueFactory = _ => 10, HelpName = "PERCENT" };
        var seed = new Option<int>("--seed") { Description = "Decides which requests are sent twice.", DefaultValueFactory = _ => 1, HelpName = "S" };
        var limit = new Option<int?>("--limit-invoices") { Description = "Plays only the first N invoices.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Writes the result as JSON (docs/tool.md), progress to standard error." };
        var command = new Command("replay", "Plays real orders against a running shop, then reads them all back and compares every total.") { file, url, sessions, resend, seed, limit, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new ReplayOptions(
                InRange("--sessions", parsed.GetValue(sessions), 1, 1024), InRange("--resend", parsed.GetValue(resend), 0, 100), parsed.GetValue(seed));
            var most = InRange("--limit-invoices", parsed.GetValue(limit) ?? int.MaxValue, 1, int.MaxValue);
            var path = Path.GetFullPath(parsed.GetValue(file)!, surroundings.Directory);
            return RunAsync(path, ParseUrl(parsed.GetValue(url)!), options, most, parsed.GetValue(json), surroundings, cancellationToken);
        });
        CommandLine.Examples(command,
            "./stateside replay samples/Shop/data/online-retail-2010-12.csv.gz --url http://127.0.0.1:8080",
            "./stateside replay orders.csv --url http://127.0.0.1:8080 --sessions 64 --resend 25 --seed 7",
            "./stateside replay orders.csv.gz --url http://127.0.0.1:8080 --limit-invoices 100 --json");
        return command;
    }

    private static async Task<int> RunAsync(
        string path, Uri url, ReplayOptions options, int mostInvoices, bool json, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var file = OrderFile.Read(path, mostInvoices);
        using var client = new ShopClient(url, surroundings.Time);
        await WaitForServerAsync(url, surroundings.Time, cancellationToken);
        var run = new ReplayRun(file, client, options);
        var (output, isTerminal) = json ? (surroundings.Error, false) : (surroundings.Out, surroundings.IsTerminal);
        try
        {
            var lines = new Progress("playing", "lines", file.Invoices.Sum(i => (long)i.Lines.Count));
            var begun = surroundings.Time.GetTimestamp();
            await lines.ShowAsync(() => run.PlayAsync(lines, cancellationToken), output, isTerminal, surroundings.Time);
            var (played, requests) = (surroundings.Time.GetElapsedTime(begun), client.Requests);
            var orders = new Progress("reading back", "orders", file.Invoices.Count);
            await orders.ShowAsync(() => run.ReconcileAsync(orders, cancellationToken), output, isTerminal, surroundings.Time);
            var report = ReplayReport.Of(Path.GetFileName(path), url, run, requests, client.Retries, played);
            if (json) report.WriteJson(surroundings.Out);
            else report.Write(surroundings);
            return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
        }
        catch (GaveUpException e)
        {
            surroundings.Error.WriteLine($"stateside replay: gave up, nothing is concluded: {e.Message} Is the shop still running?");
            return ExitCode.DoesNotHold;
        }
    }

    private static int InRange(string option, int value, int least, int most) =>
        value >= least && value <= most ? value : throw new UsageException($"{option} {value} is out of range: {least} to {most}.");

    private static Uri ParseUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Host.Length > 0
            ? new Uri(url.GetLeftPart(UriPartial.Authority))
            : throw new UsageException($"--url \"{text}\" is not the address of a server. Example: --url http://127.0.0.1:8080");

    /// <summary>Says early and plainly that nobody is there, instead of after a minute of retries.</summary>
    private static async Task WaitForServerAsync(Uri url, TimeProvider time, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = s_waitForServer };
        var begun = time.GetTimestamp();
        while (true)
        {
            string reason;
            try
            {
                using var response = await http.GetAsync(new Uri(url, "/readyz"), cancellationToken);
                if (response.IsSuccessStatusCode) return;
                reason = $"GET /readyz answers {(int)response.StatusCode}";
            }
            catch (HttpRequestException e)
            {
                reason = (e.InnerException ?? e).Message;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                reason = "no answer";
            }

            if (time.GetElapsedTime(begun) > s_waitForServer) throw new UsageException($"no shop serves at {url} ({reason}). Start one: ./stateside up");
            await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancellationToken);
        }
    }
}
