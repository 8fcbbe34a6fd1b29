using System.Globalization;
using System.Text;
using Stateside.Stores;

namespace Stateside.Testing.Stores;

/// <summary>A step of a generated sequence: what kind, and a seed from which everything else of it follows, so that it means something in a shorter sequence too.</summary>
internal sealed record SequenceStep(int Kind, int Seed);

/// <summary>One generated sequence, tried on stores and on the model at once.</summary>
/// <param name="scene">The run.</param>
/// <param name="stores">One or two stores on the same data; each step is done by one of them.</param>
/// <param name="number">A number that no other sequence of the run has: it tries its own groups, epochs and receipts.</param>
internal sealed class StoreSequence(Scene scene, IStore[] stores, int number)
{
    private static readonly TimeSpan[] s_exactLives = [TimeSpan.FromMilliseconds(1500), TimeSpan.FromMinutes(1), TimeSpan.FromHours(3)];
    private static readonly TimeSpan[] s_exactMoves = [TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30), TimeSpan.FromHours(1), TimeSpan.FromSeconds(8000)];

    // Where the clock runs by itself, it moves by tens of minutes, whose sums are never an hour, and whatever ends ends five minutes away from
    // all of them: so the moments that the test itself takes matter neither for what ends nor for how long a version is remembered after it.
    private static readonly TimeSpan[] s_hourlyLives = [TimeSpan.FromMinutes(35), TimeSpan.FromMinutes(95), TimeSpan.FromMinutes(455)];
    private static readonly TimeSpan[] s_hourlyMoves = [TimeSpan.FromMinutes(50), TimeSpan.FromMinutes(50), TimeSpan.FromMinutes(170)];

    private readonly Group[] _groups = [Group.Keyed($"{number}/g"), Group.Keyed($"{number}/{{h}}")];
    private readonly bool _isExact = scene.Can(HarnessAbilities.ClockStands);
    private readonly StoreModel _model = new(scene.Can(HarnessAbilities.ClockStands) ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromHours(1));
    private readonly StringBuilder _log = new();

    private StateKey[] Keys => [.. from g in _groups from name in (string[])["a", "b", "c", "d"] select new StateKey(g, name, name == "d" ? "item" : "")];

    private ReceiptKey[] Receipts => [.. from g in _groups from id in (int[])[1, 2] select new ReceiptKey(g, new ReceiptId((UInt128)id, 0))];

    private TimeSpan[] Lives => _isExact ? s_exactLives : s_hourlyLives;

    /// <summary>What was done so far, one line a step.</summary>
    public string Log => _log.ToString();

    /// <summary>Tries the steps; the answer is null, or what went wrong.</summary>
    public async Task<(string Rule, string Expected, string Actual)?> TryAsync(IEnumerable<SequenceStep> steps)
    {
        foreach (var step in steps)
        {
            if (await TryAsync(step) is { } wrong) return wrong;
            if (await CompareLoadAsync(stores[^1], null) is { } different) return different;
        }
        foreach (var store in stores)
            if (await CompareAllAsync(store) is { } different) return different;
        foreach (var group in _groups)
            await stores[0].CommitAsync(new Commit(group, TurnId.New()) { EffectsDone = ["e0", "e1", "e2"] }, default);
        return null;
    }

    private async Task<(string, string, string)?> TryAsync(SequenceStep step)
    {
        var random = new Random(step.Seed);
        var store = stores[random.Next(stores.Length)];
        switch (step.Kind)
        {
            case 0 or 1 when scene.Can(HarnessAbilities.ClockHours):
                var moves = _isExact ? s_exactMoves : s_hourlyMoves;
                var by = moves[random.Next(moves.Length)];
                _log.AppendLine(CultureInfo.InvariantCulture, $"  advance {by}");
                await scene.AdvanceAsync(by);
                _model.Now += (long)by.TotalMilliseconds;
                return null;
            case 2:
                var removed = await store.CleanUpAsync(3, default);
                _log.AppendLine(CultureInfo.InvariantCulture, $"  clean up 3 -> {removed}");
                return removed is >= 0 and <= 3 ? null : ("A clean-up removes no more than its limit.", "0 to 3", $"{removed}");
            case 3:
                return await ReadAsync(store, random);
            default:
                var commit = RandomCommit(random);
                _log.Append("  ").Append(Show(commit));
                var expected = _model.Commit(commit);
                var actual = _model.Show(await store.CommitAsync(commit, default));
                _log.AppendLine(CultureInfo.InvariantCulture, $" -> {actual}");
                return expected == actual ? null : ("A commit is answered as the rules say.", expected, actual);
        }
    }

    private async Task<(string, string, string)?> ReadAsync(IStore store, Random random)
    {
        var (key, group) = (Keys[random.Next(Keys.Length)], _groups[random.Next(2)]);
        var (after, limit) = (random.Next(4), random.Next(1, 5));
        _log.AppendLine(CultureInfo.InvariantCulture, $"  journal of {key.Group} {key.Name} after {after}, list of {group}, {limit} each");
        return Compare("A journal is read as it was written.", _model.Journal(key, after, limit), StoreModel.Show(await store.ReadJournalAsync(key, after, limit, default)))
            ?? Compare("A list names what is there.", _model.List(group, limit), StoreModel.Show(await store.ListAsync(group, limit, default)));
    }

    private async Task<(string, string, string)?> CompareAllAsync(IStore store)
    {
        foreach (var receipt in Receipts)
            if (await CompareLoadAsync(store, receipt) is { } different) return different;
        foreach (var key in Keys)
            if (Compare("A journal is read as it was written.", _model.Journal(key, 0, 1000), StoreModel.Show(await store.ReadJournalAsync(key, 0, 1000, default))) is { } different) return different;
        foreach (var group in _groups)
            if (Compare("A list names what is there.", _model.List(group, 1000), StoreModel.Show(await store.ListAsync(group, 1000, default))) is { } different) return different;
        var due = (await store.FindDueAsync(10_000, default)).Where(e => _groups.Contains(e.Group));
        return Compare("What is due is found.", _model.Due(), _model.Show(due));
    }

    private async Task<(string, string, string)?> CompareLoadAsync(IStore store, ReceiptKey? receipt)
    {
        var loaded = await store.LoadAsync(new LoadRequest(Keys, receipt), default);
        foreach (var row in loaded.Rows)
            if (row.Version.IsNone) _model.Forget(row.Key);
        return Compare("A load answers what is there.", _model.Load(Keys, receipt), _model.Show(loaded, receipt is not null));
    }

    private static (string, string, string)? Compare(string rule, string expected, string actual) => expected == actual ? null : (rule, expected, actual);

    private Commit RandomCommit(Random random)
    {
        var group = _groups[random.Next(2)];
        var keys = Keys.Where(k => k.Group == group).OrderBy(_ => random.Next()).Take(random.Next(1, 5)).ToArray();
        return new Commit(group, new TurnId(((UInt128)random.Next() << 64) + (UInt128)random.Next() + 1))
        {
            Rows = [.. keys.Select(k => RandomWrite(random, k))],
            Receipt = random.Next(6) == 0 ? RandomReceipt(random, new ReceiptKey(group, new ReceiptId((UInt128)random.Next(1, 3), 0))) : null,
            Effects = random.Next(4) == 0 ? [new EffectWrite($"e{random.Next(3)}", "mail", Scene.Bytes($"{random.Next(100)}"), random.Next(2) == 0 ? TimeSpan.Zero : Lives[^1] / 3)] : [],
            EffectsDone = random.Next(4) == 0 ? [$"e{random.Next(3)}"] : [],
            // Epochs stay in the store for ever, so each sequence begins above those of all others.
            Fence = random.Next(8) == 0 ? new Fence(group.Shard, (number * 10L) + random.Next(1, 5)) : null,
        };
    }

    private RowWrite RandomWrite(Random random, StateKey key)
    {
        var current = _model.VersionOf(key);
        // Mostly what can succeed, or nothing would ever be there to go wrong.
        var expected = random.Next(16) switch { 0 => default, 1 => current with { Turn = default }, 2 => current with { Counter = current.Counter + 1 }, _ => current };
        var change = random.Next(2) == 0 ? RowChange.Put : (RowChange)random.Next(4);
        return new RowWrite(key, change, expected)
        {
            Schema = random.Next(1, 4),
            Becomes = random.Next(4) == 0 ? new StateVersion(expected.Counter + random.Next(1, 4), new TurnId((UInt128)random.Next() + 1)) : null,
            Sequence = _model.SequenceOf(key),
            Body = change == RowChange.Put ? Scene.Bytes($"{random.Next(1000)}") : default,
            TimeToLive = random.Next(2) == 0 ? Lives[random.Next(Lives.Length)] : null,
            Events = change == RowChange.Put ? [.. Enumerable.Range(0, random.Next(3)).Select(i => (ReadOnlyMemory<byte>)Scene.Bytes($"event {i}"))] : [],
        };
    }

    private ReceiptWrite RandomReceipt(Random random, ReceiptKey key) =>
        new(key.Id, (ReceiptStatus)random.Next(1, 4), new ReceiptId(9, 9), Scene.Bytes("answer"), Lives[random.Next(Lives.Length)])
        {
            ExpectedClaim = random.Next(3) switch { 0 => _model.ClaimOf(key), 1 => new TurnId(77), _ => null },
            Claim = new TurnId((UInt128)random.Next(1, 5)),
            Lease = Lives[random.Next(Lives.Length)],
        };

    private static string Show(Commit commit)
    {
        var rows = commit.Rows.Select(r => $"{r.Change} {r.Key.Name} at {r.Expected}{(r.Becomes is { } next ? $" to {next}" : "")}{(r.TimeToLive is { } life ? $" for {life}" : "")}{(r.Events.Count > 0 ? $" with {r.Events.Count} events" : "")}");
        var receipt = commit.Receipt is { } written ? $"; receipt {written.Id.High} {written.Status} for {written.TimeToLive}, expecting {written.ExpectedClaim?.ToString() ?? "none"}" : "";
        var effects = string.Concat(commit.EffectsDone.Select(e => $"; done {e}").Concat(commit.Effects.Select(e => $"; effect {e.Id} after {e.After}")));
        return $"commit {commit.Group}: {string.Join(", ", rows)}{receipt}{effects}{(commit.Fence is { } fence ? $"; epoch {fence.Epoch}" : "")}";
    }
}
