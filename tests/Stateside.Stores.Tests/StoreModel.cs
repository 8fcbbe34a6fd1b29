using System.Text;

namespace Stateside.Stores.Tests;

/// <summary>
/// What a store must answer, in the plainest words: a list of facts and no index, no clean-up, no transaction. Tests run
/// the same steps on it and on a store and compare every answer.
/// </summary>
internal sealed class StoreModel
{
    private readonly Dictionary<StateKey, ModelRow> _rows = [];
    private readonly Dictionary<ReceiptKey, ModelReceipt> _receipts = [];
    private readonly Dictionary<(Group Group, string Id), ModelEffect> _effects = [];
    private readonly Dictionary<int, long> _epochs = [];

    /// <summary>Milliseconds of the store's clock since the test began.</summary>
    public long Now { get; set; }

    public StateVersion VersionOf(StateKey key) => _rows.TryGetValue(key, out var row) ? row.Version : default;

    public long SequenceOf(StateKey key) => Living(key)?.Sequence ?? 0;

    public TurnId? ClaimOf(ReceiptKey key) => _receipts.TryGetValue(key, out var receipt) && receipt.Ends > Now ? receipt.Write.Claim : null;

    /// <summary>A store may have forgotten the version of what has been gone for an hour; what it answers then is what counts.</summary>
    public void Forget(StateKey key)
    {
        if (_rows.TryGetValue(key, out var row) && Living(key) is null && row.Ends + 3_600_000 <= Now) _rows.Remove(key);
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
            if (!fits) return $"already {Describe(there)}";
        }
        if (commit.Rows.Any(r => r.Change != RowChange.Touch && VersionOf(r.Key) != r.Expected))
            return "conflict " + string.Join(", ", commit.Rows.Select(r => Describe(r.Key)));

        if (commit.Fence is { } raised) _epochs[raised.Shard] = raised.Epoch;
        foreach (var row in commit.Rows) Write(commit.Turn, row);
        if (commit.Receipt is { } written)
            _receipts[new ReceiptKey(commit.Group, written.Id)] = new ModelReceipt(written, Now + Milliseconds(written.TimeToLive), Now + Milliseconds(written.Lease));
        foreach (var id in commit.EffectsDone) _effects.Remove((commit.Group, id));
        foreach (var effect in commit.Effects) _effects[(commit.Group, effect.Id)] = new ModelEffect(effect, Now + Milliseconds(effect.After));
        return "committed";
    }

    /// <summary>Everything that can be read, as text.</summary>
    public string Describe(IEnumerable<StateKey> keys, IEnumerable<ReceiptKey> receipts)
    {
        var text = new StringBuilder();
        foreach (var key in keys)
        {
            text.AppendLine(Describe(key));
            foreach (var e in Living(key)?.Journal ?? []) text.AppendLine(Describe(e));
        }
        foreach (var key in receipts) text.AppendLine(Describe(_receipts.TryGetValue(key, out var r) && r.Ends > Now ? r : null));
        foreach (var group in keys.Select(k => k.Group).Distinct())
            text.AppendJoin(' ', _rows.Keys.Where(k => k.Group == group && Living(k) is not null).OrderBy(k => k.Name, StringComparer.Ordinal).Select(k => k.Name)).AppendLine();
        foreach (var e in _effects.Where(e => e.Value.Due <= Now).OrderBy(e => e.Value.Due).ThenBy(e => e.Key.Group.Value, StringComparer.Ordinal).ThenBy(e => e.Key.Id, StringComparer.Ordinal))
            text.AppendLine(Describe(new DueEffect(e.Key.Group, e.Key.Id, e.Value.Write.Name, e.Value.Write.Body)));
        return text.ToString();
    }

    public static string Describe(Row row) => row.Exists
        ? $"{row.Key.Name}@{row.Version} shape {row.Schema} seq {row.Sequence} left {row.Remaining?.TotalMilliseconds} {Encoding.UTF8.GetString(row.Body.Span)}"
        : $"{row.Key.Name}@{row.Version} absent";

    public static string Describe(ReceiptRow? row) => row is null
        ? "none"
        : $"{row.Id} {row.Status} {row.Fingerprint} {row.Claim} {row.LeaseRemaining.TotalMilliseconds} {Encoding.UTF8.GetString(row.Body.Span)}";

    public static string Describe(JournalEvent e) => $"  {e.Sequence} {e.Turn} {e.Schema} {Encoding.UTF8.GetString(e.Body.Span)}";

    public static string Describe(DueEffect e) => $"due {e.Group} {e.Id} {e.Name} {Encoding.UTF8.GetString(e.Body.Span)}";

    private ModelRow? Living(StateKey key) => _rows.TryGetValue(key, out var row) && row.Body is not null && row.Ends > Now ? row : null;

    private string Describe(StateKey key)
    {
        if (Living(key) is not { } row) return Describe(Row.Absent(key, VersionOf(key)));
        var left = row.Ends == long.MaxValue ? (TimeSpan?)null : TimeSpan.FromMilliseconds(row.Ends - Now);
        return Describe(new Row(key, row.Version, row.Schema, row.Sequence, row.Body, left));
    }

    private string Describe(ModelReceipt? receipt) => Describe(receipt is null ? null : new ReceiptRow(
        receipt.Write.Id, receipt.Write.Status, receipt.Write.Fingerprint, receipt.Write.Claim, TimeSpan.FromMilliseconds(Math.Max(0, receipt.LeaseEnds - Now)), receipt.Write.Body));

    private void Write(TurnId turn, RowWrite write)
    {
        var ends = write.TimeToLive is { } life ? Now + Milliseconds(life) : long.MaxValue;
        switch (write.Change)
        {
            case RowChange.Put:
                var journal = Living(write.Key)?.Journal ?? [];
                var events = write.Events.Select((e, i) => new JournalEvent(write.Sequence + i + 1, turn, write.Schema, e));
                _rows[write.Key] = new ModelRow(write.Expected.Next(turn), ends, write.Schema, write.Sequence + write.Events.Count, write.Body.ToArray(), [.. journal, .. events]);
                break;
            case RowChange.Delete:
                _rows[write.Key] = new ModelRow(write.Expected.Next(turn), Now, 1, 0, null, []);
                break;
            case RowChange.Check or RowChange.Touch when write.TimeToLive is not null && Living(write.Key) is { } row && row.Version == write.Expected:
                _rows[write.Key] = row with { Ends = ends };
                break;
        }
    }

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;

    private sealed record ModelRow(StateVersion Version, long Ends, int Schema, long Sequence, byte[]? Body, JournalEvent[] Journal);

    private sealed record ModelReceipt(ReceiptWrite Write, long Ends, long LeaseEnds);

    private sealed record ModelEffect(EffectWrite Write, long Due);
}
