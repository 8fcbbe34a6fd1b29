using FsCheck;
using FsCheck.Fluent;

namespace Stateside.Stores.Tests;

public abstract partial class StoreSuite
{
    private static readonly StateKey[] s_modelKeys = [.. from g in new[] { "g", "h" } from name in new[] { "a", "b", "c" } select new StateKey(Group.Keyed(g), name)];
    private static readonly ReceiptKey[] s_modelReceipts = [.. from g in new[] { "g", "h" } from id in new[] { 1, 2 } select new ReceiptKey(Group.Keyed(g), new ReceiptId((UInt128)id, 0))];
    private static readonly TimeSpan[] s_lives = [TimeSpan.FromMilliseconds(1500), TimeSpan.FromMinutes(1), TimeSpan.FromHours(3)];

    /// <summary>A step of a generated sequence: a kind, and a seed from which everything else of it follows.</summary>
    private sealed record Step(int Kind, int Seed);

    [Fact]
    public void Any_sequence_of_steps_is_answered_as_the_model_answers_it()
    {
        var step = from kind in Gen.Choose(0, 9) from seed in Gen.Choose(0, int.MaxValue - 1) select new Step(kind, seed);
        // Whatever step is not needed to fail is left out of the report.
        var steps = Arb.From(step.ArrayOf(), static all => Enumerable.Range(0, all.Length).Select(i => all.Where((_, j) => j != i).ToArray()));
        Prop.ForAll(steps, all => FollowsModelAsync(all).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithEndSize(60));
    }

    private async Task<bool> FollowsModelAsync(Step[] steps)
    {
        var time = new ManualTime();
        await using var store = CreateStore(time);
        await store.OpenAsync(default);
        var model = new StoreModel();
        foreach (var step in steps)
        {
            var random = new Random(step.Seed);
            switch (step.Kind)
            {
                case 0 or 1:
                    var by = random.Next(5) switch { 0 => 1, 1 => 500, 2 => 30_000, 3 => 3_600_000, _ => 8_000_000 };
                    time.Advance(TimeSpan.FromMilliseconds(by));
                    model.Now += by;
                    break;
                case 2:
                    Assert.InRange(await store.CleanUpAsync(3, default), 0, 3);
                    break;
                default:
                    var commit = RandomCommit(random, model);
                    Assert.Equal(model.Commit(commit), Describe(await store.CommitAsync(commit, default)));
                    break;
            }
            await AdoptForgottenAsync(store, model);
            Assert.Equal(model.Describe(s_modelKeys, s_modelReceipts), await DescribeAsync(store));
        }
        return true;
    }

    private static Commit RandomCommit(Random random, StoreModel model)
    {
        var group = Group.Keyed(random.Next(2) == 0 ? "g" : "h");
        var keys = s_modelKeys.Where(k => k.Group == group).OrderBy(_ => random.Next()).Take(random.Next(1, 4)).ToArray();
        var receipt = new ReceiptKey(group, new ReceiptId((UInt128)random.Next(1, 3), 0));
        return new Commit(group, new TurnId((UInt128)random.Next() + 1))
        {
            Rows = [.. keys.Select(k => RandomWrite(random, model, k))],
            Receipt = random.Next(6) == 0 ? RandomReceipt(random, model, receipt) : null,
            Effects = random.Next(4) == 0 ? [new EffectWrite($"e{random.Next(3)}", "mail", Json($"{random.Next(100)}"), random.Next(2) == 0 ? TimeSpan.Zero : TimeSpan.FromHours(1))] : [],
            EffectsDone = random.Next(4) == 0 ? [$"e{random.Next(3)}"] : [],
            Fence = random.Next(8) == 0 ? new Fence(group.Shard, random.Next(1, 4)) : null,
        };
    }

    private static RowWrite RandomWrite(Random random, StoreModel model, StateKey key)
    {
        var current = model.VersionOf(key);
        // Mostly what can succeed, or nothing would ever be there to go wrong.
        var expected = random.Next(16) switch { 0 => default, 1 => current with { Turn = default }, 2 => current with { Counter = current.Counter + 1 }, _ => current };
        var change = random.Next(2) == 0 ? RowChange.Put : (RowChange)random.Next(4);
        return new RowWrite(key, change, expected)
        {
            Schema = random.Next(1, 4),
            Sequence = model.SequenceOf(key),
            Body = change == RowChange.Put ? Json($"{random.Next(1000)}") : default,
            TimeToLive = random.Next(2) == 0 ? s_lives[random.Next(s_lives.Length)] : null,
            Events = change == RowChange.Put ? [.. Enumerable.Range(0, random.Next(3)).Select(i => (ReadOnlyMemory<byte>)Json($"event {i}"))] : [],
        };
    }

    private static ReceiptWrite RandomReceipt(Random random, StoreModel model, ReceiptKey key) =>
        new(key.Id, (ReceiptStatus)random.Next(1, 4), new ReceiptId(9, 9), Json("answer"), s_lives[random.Next(s_lives.Length)])
        {
            ExpectedClaim = random.Next(3) switch { 0 => model.ClaimOf(key), 1 => new TurnId(77), _ => null },
            Claim = new TurnId((UInt128)random.Next(1, 5)),
            Lease = TimeSpan.FromSeconds(random.Next(0, 60)),
        };

    private static async Task AdoptForgottenAsync(IStore store, StoreModel model)
    {
        foreach (var row in (await store.LoadAsync(new LoadRequest(s_modelKeys), default)).Rows)
            if (row.Version.IsNone) model.Forget(row.Key);
    }

    private static string Describe(CommitResult result) => result switch
    {
        CommitResult.Fenced fenced => $"fenced {fenced.Epoch}",
        CommitResult.AlreadyRecorded recorded => $"already {StoreModel.Describe(recorded.Receipt)}",
        CommitResult.Conflict conflict => "conflict " + string.Join(", ", conflict.Rows.Select(StoreModel.Describe)),
        _ => "committed",
    };

    private static async Task<string> DescribeAsync(IStore store)
    {
        var text = new System.Text.StringBuilder();
        foreach (var row in (await store.LoadAsync(new LoadRequest(s_modelKeys, s_modelReceipts[0]), default)).Rows)
        {
            text.AppendLine(StoreModel.Describe(row));
            foreach (var e in await store.ReadJournalAsync(row.Key, 0, 1000, default)) text.AppendLine(StoreModel.Describe(e));
        }
        foreach (var key in s_modelReceipts) text.AppendLine(StoreModel.Describe((await store.LoadAsync(new LoadRequest([], key), default)).Receipt));
        foreach (var group in s_modelKeys.Select(k => k.Group).Distinct())
            text.AppendJoin(' ', (await store.ListAsync(group, 1000, default)).Select(k => k.Name)).AppendLine();
        foreach (var e in await store.FindDueAsync(1000, default)) text.AppendLine(StoreModel.Describe(e));
        return text.ToString();
    }
}
