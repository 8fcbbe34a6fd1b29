using System.Text.Json;

namespace Stateside.Tool.Replay;

/// <summary>How to replay.</summary>
/// <param name="Sessions">How many customers shop at the same time.</param>
/// <param name="ResendPercent">How many of 100 writing requests are sent a second time under the same key.</param>
/// <param name="Seed">Decides which ones.</param>
internal sealed record ReplayOptions(int Sessions, int ResendPercent, int Seed);

/// <summary>
/// Plays a file against the shop: each invoice is a customer who puts lines into a cart and orders it. Afterwards every
/// order is read back. Nothing is concluded from the answers of the first pass but that they were acknowledged.
/// </summary>
internal sealed class ReplayRun(OrderFile file, ShopClient client, ReplayOptions options)
{
    private const int MostFaultsKept = 20;

    private readonly string?[] _locations = new string?[file.Invoices.Count];
    private readonly List<string> _faults = [];
    private int _faultCount;
    private int _resentAtOnce;
    private int _resentLater;
    private int _cartsNotEmpty;
    private int _cartsTooLarge;

    private const string TooLargeForClient = "urn:stateside:problem:client-state-too-large";

    private enum Resend { No, AtOnce, AfterTheNext, AfterTheOrder }

    public Reconciliation Reconciliation { get; } = new();

    /// <summary>Answers that were not what the contract says, or differed between a request and its resend.</summary>
    public int FaultCount => _faultCount;

    /// <summary>The first faults, in words.</summary>
    public IReadOnlyList<string> Faults => _faults;

    public int ResentAtOnce => _resentAtOnce;

    public int ResentLater => _resentLater;

    /// <summary>Sessions whose cart still held lines after the order.</summary>
    public int CartsNotEmpty => _cartsNotEmpty;

    /// <summary>Invoices whose cart grew too large for the client to carry, and whose order therefore was sent with its lines.</summary>
    public int CartsTooLarge => _cartsTooLarge;

    /// <summary>Whether every total matches and no answer was wrong.</summary>
    public bool Holds => Reconciliation.Holds && _faultCount == 0 && _cartsNotEmpty == 0;

    /// <summary>Plays all invoices; counts lines into <paramref name="progress"/>.</summary>
    public Task PlayAsync(Progress progress, CancellationToken cancellationToken) => ForEachInvoiceAsync((index, token) => PlayAsync(index, progress, token), cancellationToken);

    /// <summary>Reads all orders back and compares; counts invoices into <paramref name="progress"/>.</summary>
    public Task ReconcileAsync(Progress progress, CancellationToken cancellationToken) => ForEachInvoiceAsync((index, token) => ReconcileAsync(index, progress, token), cancellationToken);

    private async Task ForEachInvoiceAsync(Func<int, CancellationToken, ValueTask> body, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Sessions, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, file.Invoices.Count, parallel, body);
    }

    private async ValueTask PlayAsync(int index, Progress progress, CancellationToken cancellationToken)
    {
        var invoice = file.Invoices[index];
        var session = new ShopSession();
        var afterNext = new List<(ShopRequest, Answer)>();
        var afterOrder = new List<(ShopRequest, Answer)>();
        var order = ShopRequest.Order(invoice.Number);
        var sent = 0;
        foreach (var line in invoice.Lines)
        {
            var due = afterNext.ToArray();
            afterNext.Clear();
            var request = ShopRequest.Add(line);
            var answer = await SendAsync(request, Choose(line.Row), session, afterNext, afterOrder, cancellationToken);
            var isTooLarge = answer.Status == 413 && ShopClient.ReadProblem(answer.Body)?.Type == TooLargeForClient;
            if (answer.Status != 200 && !isTooLarge) Fault($"{request} of invoice {invoice.Number}: answered {answer}");
            await SendAgainAsync(due, session, cancellationToken);
            progress.Add(1);
            sent++;
            if (!isTooLarge) continue;
            // What was refused was not applied, so its resend would be a new request.
            afterNext.RemoveAll(put => put.Item1 == request);
            afterOrder.RemoveAll(put => put.Item1 == request);
            order = await GiveUpCartAsync(invoice, session, cancellationToken);
            break;
        }
        progress.Add(invoice.Lines.Count - sent);

        var ordered = await SendAsync(order, Choose(-1 - index), session, afterNext, afterOrder, cancellationToken);
        _locations[index] = ordered is { Status: 201, Location: { } location } ? Path(location) : null;
        if (_locations[index] is null) Fault($"{order}: answered {ordered}, with Location \"{ordered.Location}\"");
        await SendAgainAsync([.. afterNext, .. afterOrder], session, cancellationToken);
        await CheckCartAsync(invoice, session, cancellationToken);
    }

    /// <summary>Empties a cart that cannot hold its invoice. What it held is in the order that is sent instead.</summary>
    private async Task<ShopRequest> GiveUpCartAsync(Invoice invoice, ShopSession session, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _cartsTooLarge);
        var clear = ShopRequest.Clear(invoice.Number);
        var cleared = await client.SendAsync(clear, session, keepBody: false, cancellationToken);
        if (cleared.Status != 204) Fault($"{clear}: answered {cleared}");
        return ShopRequest.Order(invoice);
    }

    /// <summary>Sends a request once, or twice at the same time, or puts it down for a second time later.</summary>
    private async Task<Answer> SendAsync(ShopRequest request, Resend resend, ShopSession session,
        List<(ShopRequest, Answer)> afterNext, List<(ShopRequest, Answer)> afterOrder, CancellationToken cancellationToken)
    {
        // The first request of a session cannot be doubled at once: without a cookie the two would be of two sessions.
        if (resend == Resend.AtOnce && session.Header is null) resend = Resend.AfterTheNext;
        if (resend == Resend.AtOnce)
        {
            Interlocked.Increment(ref _resentAtOnce);
            var answers = await Task.WhenAll(client.SendAsync(request, session, false, cancellationToken), client.SendAsync(request, session, false, cancellationToken));
            Compare(request, answers[0], answers[1]);
            return answers[0];
        }

        var answer = await client.SendAsync(request, session, keepBody: false, cancellationToken);
        if (resend == Resend.AfterTheNext) afterNext.Add((request, answer));
        if (resend == Resend.AfterTheOrder) afterOrder.Add((request, answer));
        return answer;
    }

    private async Task SendAgainAsync(IReadOnlyList<(ShopRequest Request, Answer Answer)> due, ShopSession session, CancellationToken cancellationToken)
    {
        foreach (var (request, answer) in due)
        {
            Interlocked.Increment(ref _resentLater);
            Compare(request, answer, await client.SendAsync(request, session, keepBody: false, cancellationToken));
        }
    }

    private void Compare(ShopRequest request, Answer first, Answer second)
    {
        if (!first.SameAs(second)) Fault($"{request}: sent twice, answered {first} and then {second}{(first.Status == second.Status ? " with another body" : "")}");
        else if (first.Location != second.Location) Fault($"{request}: sent twice, answered with Location \"{first.Location}\" and then \"{second.Location}\"");
    }

    private async Task CheckCartAsync(Invoice invoice, ShopSession session, CancellationToken cancellationToken)
    {
        var answer = await client.SendAsync(new ShopRequest(HttpMethod.Get, "/cart"), session, keepBody: true, cancellationToken);
        if (answer.Status != 200 || ReadOrder(answer.Body) is not { } cart) Fault($"GET /cart after invoice {invoice.Number}: answered {answer}");
        else if (cart.Lines?.Count != 0 || cart.Quantity != 0) Interlocked.Increment(ref _cartsNotEmpty);
    }

    private async ValueTask ReconcileAsync(int index, Progress progress, CancellationToken cancellationToken)
    {
        var invoice = file.Invoices[index];
        if (_locations[index] is { } path)
        {
            // Without a session: an order is found by its id alone.
            var answer = await client.SendAsync(new ShopRequest(HttpMethod.Get, path), null, keepBody: true, cancellationToken);
            var order = answer.Status == 200 ? ReadOrder(answer.Body) : null;
            Reconciliation.Add(invoice, order, $"GET {path} answers {answer}");
        }
        else
        {
            Reconciliation.Add(invoice, null, "the order was not acknowledged");
        }

        progress.Add(1);
    }

    /// <summary>The order or cart in a body; null if there is none, or one of numbers that no shop has.</summary>
    private static AnsweredOrder? ReadOrder(byte[] body)
    {
        try
        {
            var order = JsonSerializer.Deserialize(body, ShopJson.Default.AnsweredOrder);
            return order?.Lines?.All(l => Math.Abs((decimal)l.Quantity) <= int.MaxValue && Math.Abs(l.UnitPrice ?? 0) <= OrderFile.MaxPrice) is true ? order : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The path of a <c>Location</c>; null if it is not one. An absolute one counts for its path alone, since a server behind another knows itself by another name.</summary>
    private static string? Path(string location) =>
        Uri.TryCreate(new Uri("http://shop/"), location, out var uri) && uri.AbsolutePath.Length > 1 ? uri.PathAndQuery : null;

    /// <summary>Whether and when to send a request again: the same for the same seed and row, in whatever order requests run.</summary>
    private Resend Choose(int row)
    {
        var random = Mix(((ulong)(uint)options.Seed << 32) | (uint)row);
        if ((int)(random % 100) >= options.ResendPercent) return Resend.No;
        return ((random >> 32) & 3) switch { 0 or 1 => Resend.AtOnce, 2 => Resend.AfterTheNext, _ => Resend.AfterTheOrder };
    }

    // SplitMix64: neighbouring rows get unrelated numbers.
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    private void Fault(string message)
    {
        Interlocked.Increment(ref _faultCount);
        lock (_faults)
            if (_faults.Count < MostFaultsKept) _faults.Add(message);
    }
}
