using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Receipts and claims.</summary>
internal static class ReceiptCases
{
    private static readonly ReceiptKey s_key = new(Group.Keyed("g"), new ReceiptId(1, 2));
    private static readonly ReceiptId s_print = new(UInt128.MaxValue, 4);

    public static IEnumerable<ConformanceCase> All =>
    [
        new("A receipt is recorded with its row and answers the second commit", HarnessAbilities.None, RecordedAsync),
        new("A receipt belongs to its group and its id", HarnessAbilities.None, OwnGroupAsync),
        new("One load brings rows and receipt", HarnessAbilities.None, OneLoadAsync),
        new("A claim is settled only by who holds it", HarnessAbilities.None, ClaimAsync),
        new("A claim whose outcome is unknown may be taken over", HarnessAbilities.None, TakeOverAsync),
        new("Of many commits with one receipt one is committed and all others learn of it", HarnessAbilities.None, RaceAsync),
        new("A lease runs down by the store's clock and the claim stays", HarnessAbilities.ClockForward, LeaseAsync),
        new("A receipt past its time is not there", HarnessAbilities.ClockForward, ExpiredAsync),
        new("A claim past its time is told as nothing", HarnessAbilities.ClockForward, VanishedAsync),
    ];

    private static ReceiptWrite Recorded(string body, TimeSpan? life = null) => new(s_key.Id, ReceiptStatus.Recorded, s_print, Bytes(body), life ?? TimeSpan.FromDays(1));

    private static ReceiptWrite Claimed(TurnId claim, TimeSpan? lease = null, TimeSpan? life = null) =>
        Recorded("kept", life) with { Status = ReceiptStatus.Claimed, Claim = claim, Lease = lease ?? TimeSpan.FromHours(1) };

    private static async Task<CommitResult> CommitAsync(Scene scene, ReceiptWrite receipt, params RowWrite[] rows) =>
        await scene.Store.CommitAsync(new Commit(s_key.Group, TurnId.New()) { Rows = rows, Receipt = receipt }, default);

    private static async Task<ReceiptRow?> LoadAsync(Scene scene, ReceiptKey? key = null) => (await scene.Store.LoadAsync(new LoadRequest([], key ?? s_key), default)).Receipt;

    private static async Task RecordedAsync(Scene scene)
    {
        scene.Committed(await CommitAsync(scene, Recorded("first"), Put(Key("g"), default, "first")), "A new receipt is recorded with its row.");
        var again = scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("second"), Put(Key("g"), default, "second")), "A receipt is recorded once.").Receipt;
        scene.Equal((s_key.Id, ReceiptStatus.Recorded, s_print, default(TurnId), TimeSpan.Zero, "first"),
            again is null ? default : (again.Id, again.Status, again.Fingerprint, again.Claim, again.LeaseRemaining, Text(again.Body)), "The refusal brings the receipt that is there.");
        scene.Equal("first", Text(await scene.LoadAsync(Key("g"))), "A commit that is refused for its receipt writes no row.");
        scene.Equal("first", Text((await LoadAsync(scene))?.Body ?? default), "A load brings the receipt that was recorded.");
    }

    private static async Task OwnGroupAsync(Scene scene)
    {
        await CommitAsync(scene, Recorded("first"));
        foreach (var other in (ReceiptKey[])[s_key with { Group = Group.Keyed("h") }, s_key with { Id = new(1, 3) }, s_key with { Id = new(2, 2) }])
        {
            scene.True(await LoadAsync(scene, other) is null, "Another group or id has another receipt.", "nothing", "a receipt");
            scene.Committed(await scene.Store.CommitAsync(new Commit(other.Group, TurnId.New()) { Receipt = Recorded("other") with { Id = other.Id } }, default), "Another group or id has another receipt.");
        }
        scene.Equal("first", Text((await LoadAsync(scene))!.Body), "Receipts do not overwrite each other.");
    }

    private static async Task OneLoadAsync(Scene scene)
    {
        await CommitAsync(scene, Recorded("r"), Put(Key("g"), default, "row"));
        var loaded = await scene.Store.LoadAsync(new LoadRequest([Key("g"), Key("none")], s_key), default);
        scene.SameOrder(["row", "absent"], loaded.Rows.Select(Text), "Rows come with the receipt.");
        scene.Equal("r", Text(loaded.Receipt?.Body ?? default), "The receipt comes with the rows.");
        scene.True((await scene.Store.LoadAsync(new LoadRequest([Key("g")]), default)).Receipt is null, "No receipt comes unasked.", "nothing", "a receipt");
    }

    private static async Task ClaimAsync(Scene scene)
    {
        var claim = TurnId.New();
        scene.Committed(await CommitAsync(scene, Claimed(claim)), "A receipt that is not there can be claimed.");
        var there = await LoadAsync(scene);
        scene.Equal((ReceiptStatus.Claimed, claim, "kept"), (there?.Status ?? default, there?.Claim ?? default, Text(there?.Body ?? default)), "A claim is loaded as it was made.");
        var refused = scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Claimed(TurnId.New())), "What is claimed cannot be claimed by another.");
        scene.Equal(claim, refused.Receipt?.Claim ?? default, "The refusal brings the claim that is there.");
        scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("stolen")), "A claim stands in the way of who does not know of it.");
        scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("stolen") with { ExpectedClaim = TurnId.New() }), "A claim is settled only by its token.");
        scene.Committed(await CommitAsync(scene, Recorded("done") with { ExpectedClaim = claim }, Put(Key("g"), default)), "The holder settles the claim with its rows.");
        scene.Equal((ReceiptStatus.Recorded, "done"), ((await LoadAsync(scene))!.Status, Text((await LoadAsync(scene))!.Body)), "A settled claim is recorded.");
        scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("again") with { ExpectedClaim = claim }), "A claim is settled once.");
        scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("again") with { ExpectedClaim = default(TurnId) }), "What is recorded is no claim, whatever its token.");
    }

    private static async Task TakeOverAsync(Scene scene)
    {
        var (claim, next) = (TurnId.New(), TurnId.New());
        scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("x") with { ExpectedClaim = claim }), "A claim that was never made cannot be settled.");
        await CommitAsync(scene, Claimed(claim));
        scene.Committed(await CommitAsync(scene, Recorded("?") with { Status = ReceiptStatus.OutcomeUnknown, Claim = claim, ExpectedClaim = claim }), "The holder may say that the outcome is unknown.");
        scene.Equal((ReceiptStatus.OutcomeUnknown, claim, TimeSpan.Zero), ((await LoadAsync(scene))!.Status, (await LoadAsync(scene))!.Claim, (await LoadAsync(scene))!.LeaseRemaining), "An unknown outcome keeps the token and has no lease.");
        scene.Committed(await CommitAsync(scene, Claimed(next) with { ExpectedClaim = claim }), "What has an unknown outcome may be claimed by who names its token.");
        scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("late") with { ExpectedClaim = claim }), "The former holder is refused.");
        scene.Equal(next, (await LoadAsync(scene))!.Claim, "The new claim stands.");
    }

    private static async Task RaceAsync(Scene scene)
    {
        IStore[] stores = scene.Can(HarnessAbilities.SecondStore) ? [scene.Store, await scene.OpenAnotherAsync()] : [scene.Store];
        var results = await Task.WhenAll(Enumerable.Range(0, 32).Select(async i =>
        {
            await Task.Yield();
            return await stores[i % stores.Length].CommitAsync(new Commit(s_key.Group, TurnId.New()) { Rows = [Put(Key("g", $"row{i}"), default)], Receipt = Recorded($"{i}") }, default);
        }));
        scene.Equal(1, results.Count(r => r == CommitResult.Committed), "One of many commits with one receipt is committed.");
        var winner = Text((await LoadAsync(scene))!.Body);
        foreach (var result in results.Where(r => r != CommitResult.Committed))
            scene.Equal(winner, Text(scene.Is<CommitResult.AlreadyRecorded>(result, "The others are refused for the receipt.").Receipt?.Body ?? default), "The others learn of the one that was recorded.");
        scene.SameOrder([$"row{winner}"], (await scene.Store.ListAsync(s_key.Group, 100, default)).Select(k => k.Name), "Only the row of the one is there.");
    }

    private static async Task LeaseAsync(Scene scene)
    {
        var claim = TurnId.New();
        await CommitAsync(scene, Claimed(claim, lease: scene.Life));
        await scene.AdvanceAsync(scene.Life / 4);
        scene.Remaining(scene.Life * 0.75, (await LoadAsync(scene))!.LeaseRemaining, "A lease runs down by the store's clock.");
        await scene.AdvanceAsync(scene.Life);
        var there = await LoadAsync(scene);
        scene.Equal((ReceiptStatus.Claimed, claim, TimeSpan.Zero), (there!.Status, there.Claim, there.LeaseRemaining), "A claim outlives its lease, with nothing left of it.");
        scene.Committed(await CommitAsync(scene, Recorded("late") with { ExpectedClaim = claim }), "A holder whose lease has lapsed still settles, if nobody took over.");
    }

    private static async Task ExpiredAsync(Scene scene)
    {
        await CommitAsync(scene, Recorded("old", scene.Life));
        scene.True(await LoadAsync(scene) is not null, "A receipt is there until its time.", "a receipt", "nothing");
        await scene.AdvanceAsync(scene.Life);
        scene.True(await LoadAsync(scene) is null, "A receipt past its time is not there.", "nothing", "a receipt");
        scene.Committed(await CommitAsync(scene, Recorded("new", TimeSpan.FromDays(2))), "A receipt past its time does not stand in the way.");
        scene.Equal("new", Text((await LoadAsync(scene))!.Body), "The new receipt is there.");
        await scene.CleanUpAsync();
        scene.Equal("new", Text((await LoadAsync(scene))?.Body ?? default), "A clean-up leaves the new receipt.");
    }

    private static async Task VanishedAsync(Scene scene)
    {
        var claim = TurnId.New();
        await CommitAsync(scene, Claimed(claim, lease: scene.Life, life: scene.Life));
        await scene.AdvanceAsync(scene.Life);
        var gone = scene.Is<CommitResult.AlreadyRecorded>(await CommitAsync(scene, Recorded("late") with { ExpectedClaim = claim }), "A claim past its time cannot be settled.");
        scene.True(gone.Receipt is null, "A claim past its time is told as nothing.", "nothing", gone.Receipt?.Status);
        scene.Committed(await CommitAsync(scene, Claimed(TurnId.New())), "What is gone can be claimed.");
    }
}
