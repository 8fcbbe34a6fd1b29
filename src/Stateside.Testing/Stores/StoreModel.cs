using System.Text;
using Stateside.Stores;

namespace Stateside.Testing.Stores;

/// <summary>
/// What a store must answer, in the plainest words: a list of facts and no index, no clean-up, no transaction. Cases run
/// the same steps on it and on a store and compare every answer.
/// </summary>
/// <param name="grain">Times are compared in whole grains: a millisecond, or an hour where the store's clock runs by itself.</param>
internal sealed class StoreModel(TimeSpan grain)
{
    private readonly Dictionary<StateKey, ModelRow> _rows = [];
    private readonly Dictionary<ReceiptKey, ModelReceipt> _receipts = [];
    private readonly Dictionary<(Group Group, string Id), ModelEffect> _effects = [];
    private readonly Dictionary<int, long> _epochs = [];

    /// <summary>Milliseconds of the store's clock since the sequence began.</summary>
    public long Now { get; set; }

    public StateVersion VersionOf(StateKey key) => _rows.TryGetValue(key, out var row) ? row.Version : default;

    public long SequenceOf(StateKey key) => Living(key)?.Sequence ?? 0;

    public TurnId? ClaimOf(ReceiptKey key) => _receipts.TryGetValue(key, out var receipt) && receipt.Ends > Now ? receipt.Write.Claim : null;

    /// <summary>A store may have forgotten the version of what has been gone for an hour; what it answers then is what counts.</summary>
    public void Forget(StateKey key)
    {
        if (_rows.TryGetValue(key, out var row) && Living(key) is null && row.Ends + (long)RowWrite.TombstoneLife.TotalMilliseconds <= Now + 1) _rows.Remove(key);
    }

    public string Commit(Commit commit)
    {
        if (commit.Fence is { } fence && _epochs.GetValueOrDefault(fence.Shard) > fence.Epoch) return $"fenced {_epochs[fence.Shard]}";
        if (commit.Receipt is { } receipt)
        {
            var key = new ReceiptKey(commit.Group, receipt.Id);
            var there = _receipts.TryGetValue(key, out var found) && found.Ends > Now ? found : null;
            var fits = receipt.ExpectedClaim is { } claim
                ? there is not null && there.Write.Status != ReceiptStatus.Recorded && there.Write.Claim == claim
                : there is null;
            if (!fits) return $"already {Show(there)}";
        }
        if (commit.Rows.Any(r => r.Change != RowChange.Touch && VersionOf(r.Key) != r.Expected))
            return "conflict " + string.Join(", ", commit.Rows.Select(r => Show(r.Key)));

        if (commit.Fence is { } raised) _epochs[raised.Shard] = raised.Epoch;
        foreach (var row in commit.Rows) Write(commit.Turn, row);
        if (commit.Receipt is { } written)
            _receipts[new ReceiptKey(commit.Group, written.Id)] = new ModelReceipt(written, Now + Milliseconds(written.TimeToLive), Now + Milliseconds(written.Lease));
        foreach (var id in commit.EffectsDone) _effects.Remove((commit.Group, id));
        foreach (var effect in commit.Effects) _effects[(commit.Group, effect.Id)] = new ModelEffect(effect, Now + Milliseconds(effect.After));
        return "committed";
    }

    public string Load(IEnumerable<StateKey> keys, ReceiptKey? receipt) =>
        string.Join("\n", keys.Select(Show)) + "\n" + (receipt is { } key ? Show(_receipts.TryGetValue(key, out var r) && r.Ends > Now ? r : null) : "not asked");

    public string Journal(StateKey key, long after, int limit) => Show((Living(key)?.Journal ?? []).Where(e => e.Sequence > after).Take(limit));

    public string List(Group group, int limit) =>
        Show(_rows.Keys.Where(k => k.Group == group && Living(k) is not null).OrderBy(k => k.Name, StringComparer.Ordinal).ThenBy(k => k.Item, StringComparer.Ordinal).Take(limit));

    /// <summary>What is due: in its order, or in the order of ids where the clock runs by itself.</summary>
    public string Due() => Show(_effects.Where(e => e.Value.Due <= Now).OrderBy(e => e.Value.Due).ThenBy(e => e.Key.Group.Value, StringComparer.Ordinal).ThenBy(e => e.Key.Id, StringComparer.Ordinal)
        .Select(e => new DueEffect(e.Key.Group, e.Key.Id, e.Value.Write.Name, e.Value.Write.Body)));

    public string Show(CommitResult result) => result switch
    {
        CommitResult.Fenced fenced => $"fenced {fenced.Epoch}",
        CommitResult.AlreadyRecorded recorded => $"already {Show(recorded.Receipt)}",
        CommitResult.Conflict conflict => "conflict " + string.Join(", ", conflict.Rows.Select(Show)),
        _ => "committed",
    };

    public string Show(LoadResult loaded, bool asked) => string.Join("\n", loaded.Rows.Select(Show)) + "\n" + (asked ? Show(loaded.Receipt) : loaded.Receipt is null ? "not asked" : "a receipt that nobody asked for");

    public static string Show(IEnumerable<StateKey> keys) => string.Join(' ', keys.Select(k => $"{k.Group} {k.Name} {k.Item}"));

    public static string Show(IEnumerable<JournalEvent> events) => string.Join("\n", events.Select(e => $"{e.Sequence} {e.Turn} {e.Schema} {Text(e.Body)}"));

    public string Show(IEnumerable<DueEffect> due)
    {
        var lines = due.Select(e => $"{e.Group} {e.Id} {e.Name} {Text(e.Body)}");
        return string.Join("\n", grain > TimeSpan.FromMilliseconds(1) ? lines.Order(StringComparer.Ordinal) : lines);
    }

    private string Show(Row row) => row.Exists
        ? $"{row.Key.Name}@{row.Version} shape {row.Schema} seq {row.Sequence} left {Show(row.Remaining)} {Text(row.Body)}"
        : $"{row.Key.Name}@{row.Version} absent";

    private string Show(ReceiptRow? row) => row is null ? "none" : $"{row.Id} {row.Status} {row.Fingerprint} {row.Claim} {Show(row.LeaseRemaining)} {Text(row.Body)}";

    private string Show(TimeSpan? time) => time is { } span ? $"{span.Ticks / grain.Ticks} x {grain}" : "for ever";

    private ModelRow? Living(StateKey key) => _rows.TryGetValue(key, out var row) && row.Body is not null && row.Ends > Now ? row : null;

    private string Show(StateKey key)
    {
        if (Living(key) is not { } row) return Show(Row.Absent(key, VersionOf(key)));
        var left = row.Ends == long.MaxValue ? (TimeSpan?)null : TimeSpan.FromMilliseconds(row.Ends - Now);
        return Show(new Row(key, row.Version, row.Schema, row.Sequence, row.Body, left));
    }

    private string Show(ModelReceipt? receipt) => Show(receipt is null ? null : new ReceiptRow(
        receipt.Write.Id, receipt.Write.Status, receipt.Write.Fingerprint, receipt.Write.Claim, TimeSpan.FromMilliseconds(Math.Max(0, receipt.LeaseEnds - Now)), receipt.Write.Body));

    private void Write(TurnId turn, RowWrite write)
    {
        var ends = write.TimeToLive is { } life ? Now + Milliseconds(life) : long.MaxValue;
        switch (write.Change)
        {
            case RowChange.Put:
                var journal = Living(write.Key)?.Journal ?? [];
                var events = write.Events.Select((e, i) => new JournalEvent(write.Sequence + i + 1, turn, write.Schema, e));
                _rows[write.Key] = new ModelRow(write.After(turn), ends, write.Schema, write.Sequence + write.Events.Count, write.Body.ToArray(), [.. journal, .. events]);
                break;
            case RowChange.Delete:
                _rows[write.Key] = new ModelRow(write.After(turn), Now, 1, 0, null, []);
                break;
            case RowChange.Check or RowChange.Touch when write.TimeToLive is not null && Living(write.Key) is { } row && row.Version == write.Expected:
                _rows[write.Key] = row with { Ends = ends };
                break;
        }
    }

    private static string Text(ReadOnlyMemory<byte> body) => Encoding.UTF8.GetString(body.Span);

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;

    private sealed record ModelRow(StateVersion Version, long Ends, int Schema, long Sequence, byte[]? Body, JournalEvent[] Journal);

    private sealed record ModelReceipt(ReceiptWrite Write, long Ends, long LeaseEnds);

    private sealed record ModelEffect(EffectWrite Write, long Due);
}
