using System.Text;
using System.Text.Json;
using Stateside.Tool.Replay;

namespace Stateside.Tool.Torture;

/// <summary>
/// The clients: half of them count on few counters that all of them share, the others shop by twos, each pair on one cart. A counter and a session are used for some
/// hundred operations and then replaced by a new one, so that what is known of each can be checked in no time.
/// </summary>
internal sealed class TortureLoad(TortureClient http, Record record, TimeProvider time, string tag, int seed, int clients)
{
    private const int LiveCounters = 4;
    private const int OperationsOfCounter = 200;
    private const int OperationsOfShopper = 20;

    private static readonly TimeSpan s_gap = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly byte[] s_one = "{\"by\":1}"u8.ToArray();
    private static readonly byte[] s_nothing = "{}"u8.ToArray();

    private readonly int[] _counted = new int[LiveCounters];
    private readonly long[] _served = [.. Enumerable.Repeat(record.Now, LiveCounters)];
    private readonly Lock _lock = new();
    private readonly List<Gap> _gaps = [];
    private readonly Dictionary<string, ShopSession> _sessions = [];

    /// <summary>The sessions, by their keys in the record.</summary>
    public IReadOnlyDictionary<string, ShopSession> Sessions => _sessions;

    /// <summary>Times in which nothing succeeded on a counter, longer than a few moments.</summary>
    public IReadOnlyList<Gap> Gaps => _gaps;

    /// <summary>Works until it is told to stop; what is on its way then is brought to its end.</summary>
    public Task RunAsync(CancellationToken stop, CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, clients).Where(i => i % 2 == 0 || i % 4 == 1).Select(i => i % 2 == 0
            ? CountAsync(i, new Random(seed + i), stop, cancellationToken)
            : ShopAsync(i, new Random(seed + i), stop, cancellationToken)));

    /// <summary>Reads a counter or a cart when all is over, as the last entry of its record.</summary>
    public Task<bool> ReadAsync(string key, bool isCounter, CancellationToken cancellationToken) =>
        isCounter ? CountOnceAsync(key, -1, Ask.ReadCounter, null, cancellationToken) : ShopOnceAsync(key, -1, Ask.ReadCart, [], null, s_patience, cancellationToken);

    private async Task CountAsync(int client, Random random, CancellationToken stop, CancellationToken cancellationToken)
    {
        await Task.Yield();
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            await PauseAsync(random, cancellationToken);
            var slot = random.Next(LiveCounters);
            var round = Interlocked.Increment(ref _counted[slot]) / OperationsOfCounter;
            var key = $"{tag}-{slot}-{round}";
            var dice = random.Next(10);
            var idempotency = dice is >= 3 and < 6 ? $"{client}-{number}" : null;
            if (await CountOnceAsync(key, client, dice < 3 ? Ask.ReadCounter : Ask.Count, idempotency, cancellationToken)) Note(slot);
        }
    }

    private async Task<bool> CountOnceAsync(string key, int client, Ask ask, string? idempotency, CancellationToken cancellationToken)
    {
        var entry = new Entry(key, client, ask, record.Now) { IdempotencyKey = idempotency };
        record.Add(entry);
        var request = ask == Ask.Count ? new TortureRequest(HttpMethod.Post, $"/counters/{key}", idempotency, s_one) : new TortureRequest(HttpMethod.Get, $"/counters/{key}");
        var reply = await CompleteAsync(entry, request, null, client < 0 ? s_patience : TimeSpan.Zero, cancellationToken);
        if (reply.Outcome != Outcome.Acknowledged) return false;
        entry.Value = JsonSerializer.Deserialize(reply.Body, TortureJson.Default.AnsweredCounter)!.Value;
        return true;
    }

    /// <summary>Two share one session after the other: they fill its cart, and then it is ordered.</summary>
    private async Task ShopAsync(int client, Random random, CancellationToken stop, CancellationToken cancellationToken)
    {
        await Task.Yield();
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var key = $"{tag}-cart-{client}-{number}";
            if (!await BeginSessionAsync(key, client, cancellationToken)) continue;
            var lines = new LineNumbers();
            await Task.WhenAll(
                FillAsync(key, client, new Random(random.Next()), lines, stop, cancellationToken),
                FillAsync(key, client + 2, new Random(random.Next()), lines, stop, cancellationToken));
            await ShopOnceAsync(key, client, Ask.OrderCart, [], $"order-{key}", s_patience, cancellationToken);
        }
    }

    /// <summary>A session begins with its first line. If that is not answered nobody will ever see the session, and it stays out of the record.</summary>
    private async Task<bool> BeginSessionAsync(string key, int client, CancellationToken cancellationToken)
    {
        var (session, entry) = (new ShopSession(), new Entry(key, client, Ask.AddLine, record.Now) { Lines = [LineNumbers.First] });
        var reply = await http.SendAsync(RequestFor(Ask.AddLine, entry.Lines, null), session, cancellationToken);
        if (reply.Outcome != Outcome.Acknowledged || session.Header is null) return false;
        (entry.Outcome, entry.Return, entry.Answered) = (Outcome.Acknowledged, record.Now, JsonSerializer.Deserialize(reply.Body, TortureJson.Default.TortureLines)!.Numbers);
        record.Add(entry);
        lock (_lock) _sessions.Add(key, session);
        return true;
    }

    private async Task FillAsync(string key, int client, Random random, LineNumbers lines, CancellationToken stop, CancellationToken cancellationToken)
    {
        for (var i = 0; i < OperationsOfShopper && !stop.IsCancellationRequested; i++)
        {
            await PauseAsync(random, cancellationToken);
            var dice = random.Next(10);
            if (dice < 2) await ShopOnceAsync(key, client, Ask.ReadCart, [], null, TimeSpan.Zero, cancellationToken);
            else if (dice == 2) await ShopOnceAsync(key, client, Ask.OrderLines, [lines.Next(), lines.Next()], $"lines-{client}-{i}", s_patience, cancellationToken);
            else await ShopOnceAsync(key, client, Ask.AddLine, [lines.Next()], dice < 6 ? $"line-{client}-{i}" : null, TimeSpan.Zero, cancellationToken);
        }
    }

    private async Task<bool> ShopOnceAsync(string key, int client, Ask ask, int[] lines, string? idempotency, TimeSpan patience, CancellationToken cancellationToken)
    {
        var entry = new Entry(key, client, ask, record.Now) { Lines = lines, IdempotencyKey = idempotency };
        record.Add(entry);
        ShopSession session;
        lock (_lock) session = _sessions[key];
        var reply = await CompleteAsync(entry, RequestFor(ask, lines, idempotency), session, patience, cancellationToken);
        if (reply.Outcome != Outcome.Acknowledged) return false;
        var answered = reply.Status == 400 ? new TortureLines([]) : JsonSerializer.Deserialize(reply.Body, TortureJson.Default.TortureLines)!;
        (entry.Answered, entry.OrderId) = (answered.Numbers, answered.Id);
        return true;
    }

    private static TortureRequest RequestFor(Ask ask, int[] lines, string? idempotency) => ask switch
    {
        Ask.ReadCart => new(HttpMethod.Get, "/cart"),
        Ask.AddLine => new(HttpMethod.Post, "/cart/add", idempotency, JsonSerializer.SerializeToUtf8Bytes(TortureLines.Line(lines[0]), TortureJson.Default.TortureLine)),
        Ask.OrderLines => new(HttpMethod.Post, "/orders", idempotency, JsonSerializer.SerializeToUtf8Bytes(new TortureLines([.. lines.Select(TortureLines.Line)]), TortureJson.Default.TortureLines)),
        _ => new(HttpMethod.Post, "/orders", idempotency, s_nothing),
    };

    /// <summary>
    /// Sends a request, and notes what came of it. One with a key is sent again until it is answered, now and then twice at once, and now and then once more when it is
    /// done: all answers have to be the same.
    /// </summary>
    private async Task<Reply> CompleteAsync(Entry entry, TortureRequest request, ShopSession? session, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (request.IdempotencyKey is not null) patience = s_patience;
        var attempts = new List<Task<Reply>> { http.SendUntilDoneAsync(request, session, patience, cancellationToken) };
        var chance = request.IdempotencyKey is null ? 99 : (int)(entry.Call % 20);
        if (chance == 0) attempts.Add(http.SendUntilDoneAsync(request, session, patience, cancellationToken));
        var replies = (await Task.WhenAll(attempts)).Select(reply => WithEmptyCart(entry, reply)).ToList();
        foreach (var wrong in replies.Where(reply => reply is { Outcome: not Outcome.Acknowledged, Status: 400 or 401 or 403 or 404 or 405 or 412 or 413 or 415 or 422 }))
            record.Add(new Finding(TortureReport.WrongKind, 1, $"{entry.Ask} of {entry.Key} was answered {wrong.Status}: {Encoding.UTF8.GetString(wrong.Body)}"));
        var done = replies.Find(reply => reply.Outcome == Outcome.Acknowledged);
        var outcome = done?.Outcome ?? (replies.Exists(reply => reply.Outcome == Outcome.Unknown) ? Outcome.Unknown : Outcome.Refused);
        if (outcome != Outcome.Unknown) entry.Return = record.Now;
        entry.Outcome = outcome;
        if (done is null) return replies[0] with { Outcome = outcome };
        if (chance is 1 or 2) replies.Add(WithEmptyCart(entry, await http.SendAsync(request, session, cancellationToken)));
        foreach (var other in replies.Where(other => other.Outcome == Outcome.Acknowledged && !(other.Status == done.Status && other.Body.AsSpan().SequenceEqual(done.Body))))
            record.Add(new Finding(Reconciler.Duplicated, 1, $"{entry.Ask} of {entry.Key} under the key {entry.IdempotencyKey} was answered twice, and not the same"));
        return done;
    }

    /// <summary>That there is nothing to order is an answer as well: the cart was empty, and whether it can have been is checked.</summary>
    private static Reply WithEmptyCart(Entry entry, Reply reply) => entry.Ask == Ask.OrderCart && reply.Status == 400 ? reply with { Outcome = Outcome.Acknowledged } : reply;

    private void Note(int slot)
    {
        lock (_lock)
        {
            var gap = new Gap(_served[slot], record.Now);
            _served[slot] = gap.Until;
            if (gap.Until - gap.From > s_gap.Ticks) _gaps.Add(gap);
        }
    }

    private Task PauseAsync(Random random, CancellationToken cancellationToken) => Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 20)), time, cancellationToken);

    /// <summary>The numbers of the lines of a session, which two clients share.</summary>
    private sealed class LineNumbers
    {
        public const int First = 1;

        private int _last = First;

        public int Next() => Interlocked.Increment(ref _last);
    }
}

/// <summary>A time in which nothing succeeded.</summary>
internal readonly record struct Gap(long From, long Until);
