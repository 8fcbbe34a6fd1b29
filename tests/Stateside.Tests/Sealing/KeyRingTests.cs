using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Sealing;
using Stateside.Stores;
using Stateside.Tests.Turns;

namespace Stateside.Tests.Sealing;

/// <summary>The keys in the store: one for all nodes, rotated and revoked while they serve.</summary>
public sealed class KeyRingTests : IAsyncDisposable
{
    private static readonly SealPurpose s_purpose = new("state", "cart", "s:x");
    private static readonly KeysModel s_model = new("shop", [], TimeSpan.FromDays(90), TimeSpan.FromSeconds(30), TimeSpan.FromDays(7));
    private readonly ManualClock _time = new();
    private readonly WatchedStore _store;

    public KeyRingTests() => _store = new WatchedStore(_time);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private ValueTask<KeyRing> OpenAsync(IStore? store = null, KeysModel? model = null) =>
        KeyRing.OpenAsync(store ?? _store, model ?? s_model, _time, NullLogger.Instance, default);

    private ValueTask<RingContent> ChangeAsync(Func<RingContent, RingContent> change) => new KeyRingStore(_store).ChangeAsync(change, default);

    /// <summary>Lets time pass, and waits until every ring that looks has looked and waits again.</summary>
    private async Task AdvanceAsync(TimeSpan by)
    {
        var waiting = _time.Waiting;
        _time.Advance(by);
        while (_time.Waiting < waiting) await Task.Yield();
    }

    private static async Task<bool> OpensAsync(KeyRing ring, string token) => await ring.Sealer.OpenAsync(s_purpose, token, default) is not null;

    [Fact]
    public async Task SES_12_Twenty_nodes_that_start_together_on_an_empty_store_have_one_key()
    {
        var rings = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await OpenAsync())));
        Assert.Single(rings.Select(r => r.Sealer.Keys.Active.Id).Distinct());
        Assert.Single((await new KeyRingStore(_store).LoadAsync(default)).Keys);
        var token = rings[0].Sealer.Seal(s_purpose, [1]);
        foreach (var ring in rings) Assert.True(await OpensAsync(ring, token));
        foreach (var ring in rings) await ring.DisposeAsync();
    }

    [Fact]
    public async Task A_node_that_starts_again_has_the_same_key()
    {
        string token;
        await using (var ring = await OpenAsync()) token = ring.Sealer.Seal(s_purpose, [1]);
        await using var again = await OpenAsync();
        Assert.True(await OpensAsync(again, token));
    }

    [Fact]
    public async Task SEA_09_A_new_key_opens_everywhere_before_it_seals_anywhere()
    {
        await using var one = await OpenAsync();
        await using var two = await OpenAsync();
        var old = one.Sealer.Keys.Active.Id;
        var before = one.Sealer.Seal(s_purpose, [1]);
        await ChangeAsync(c => c.Add(_time.GetUtcNow(), 2 * s_model.Refresh));
        await AdvanceAsync(s_model.Refresh);
        Assert.Equal((old, old), (one.Sealer.Keys.Active.Id, two.Sealer.Keys.Active.Id));
        await AdvanceAsync(2 * s_model.Refresh);
        Assert.NotEqual(old, one.Sealer.Keys.Active.Id);
        Assert.Equal(one.Sealer.Keys.Active.Id, two.Sealer.Keys.Active.Id);
        Assert.True(await OpensAsync(two, before));
        Assert.True(await OpensAsync(two, one.Sealer.Seal(s_purpose, [2])));
    }

    [Fact]
    public async Task SEA_09_Keys_follow_each_other_by_themselves_and_go_when_nothing_sealed_with_them_can_be_alive()
    {
        await using var ring = await OpenAsync();
        var first = ring.Sealer.Keys.Active.Id;
        await AdvanceAsync(s_model.RotateEvery + s_model.Refresh);
        Assert.Equal(first, ring.Sealer.Keys.Active.Id);
        await AdvanceAsync(3 * s_model.Refresh);
        Assert.NotEqual(first, ring.Sealer.Keys.Active.Id);
        var token = ring.Sealer.Seal(s_purpose, [1]);
        // The ring looks at a time of its own between two refreshes, so the check keeps that far from the end.
        await AdvanceAsync(s_model.KeepFor - s_model.Refresh);
        Assert.NotNull(ring.Sealer.Keys.Find(first));
        await AdvanceAsync(3 * s_model.Refresh);
        Assert.Null(ring.Sealer.Keys.Find(first));
        Assert.True(await OpensAsync(ring, token));
    }

    [Fact]
    public async Task SES_13_A_revoked_key_is_refused_on_every_node_within_the_time_of_a_refresh_and_another_seals_at_once()
    {
        await using var one = await OpenAsync();
        await using var two = await OpenAsync();
        var token = one.Sealer.Seal(s_purpose, [1]);
        var revoked = one.Sealer.Keys.Active.Id;
        await ChangeAsync(c => c.Revoke(revoked.ToString(), _time.GetUtcNow()));
        Assert.True(await OpensAsync(two, token));
        await AdvanceAsync(s_model.Refresh);
        Assert.False(await OpensAsync(one, token));
        Assert.False(await OpensAsync(two, token));
        Assert.NotEqual(revoked, one.Sealer.Keys.Active.Id);
        Assert.True(await OpensAsync(two, one.Sealer.Seal(s_purpose, [2])));
        Assert.All((await new KeyRingStore(_store).LoadAsync(default)).Keys, k => Assert.Equal(k.Id == revoked.ToString(), k.Secret is null));
    }

    [Fact]
    public void SES_13_An_old_key_does_not_seal_again_when_the_one_after_it_is_revoked()
    {
        var now = _time.GetUtcNow();
        var two = RingContent.Empty.Add(now, TimeSpan.Zero).Add(now, TimeSpan.Zero);
        var three = two.Revoke(two.Active(now)!.Id, now);
        Assert.Equal(3, three.Keys.Length);
        Assert.Equal(three.Keys[2], three.Active(now));
        Assert.Equal(two.Keys[1], two.Revoke(two.Keys[0].Id, now).Active(now));
    }

    [Fact]
    public async Task SES_13_A_fault_of_any_kind_does_not_end_the_looking()
    {
        await using var ring = await OpenAsync();
        var revoked = ring.Sealer.Keys.Active.Id;
        _store.OnLoad.Enqueue(_ => throw new InvalidOperationException("a fault in a store"));
        await AdvanceAsync(s_model.Refresh);
        await ChangeAsync(c => c.Revoke(revoked.ToString(), _time.GetUtcNow()));
        await AdvanceAsync(s_model.Refresh);
        Assert.Null(ring.Sealer.Keys.Find(revoked));
    }

    [Fact]
    public async Task SES_12_An_unknown_key_is_looked_for_once_however_many_come()
    {
        await using var one = await OpenAsync();
        await using var two = await OpenAsync();
        await ChangeAsync(c => c.Add(_time.GetUtcNow(), TimeSpan.Zero));
        await using var three = await OpenAsync();
        var token = three.Sealer.Seal(s_purpose, [1]);
        var loads = _store.Loads.Count;
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => OpensAsync(two, token))), Assert.True);
        Assert.Equal(loads + 1, _store.Loads.Count);
        await using var strangers = await KeyRing.OpenAsync(new MemoryStore(_time), s_model, _time, NullLogger.Instance, default);
        var foreign = strangers.Sealer.Seal(s_purpose, [1]);
        for (var i = 0; i < 100; i++) Assert.False(await OpensAsync(two, foreign));
        Assert.Equal(loads + 1, _store.Loads.Count);
        await AdvanceAsync(KeyRing.LookPause);
        for (var i = 0; i < 100; i++) Assert.False(await OpensAsync(two, foreign));
        Assert.Equal(loads + 2, _store.Loads.Count);
    }

    [Fact]
    public async Task SES_05_While_the_store_is_away_known_keys_work_and_an_unknown_one_is_no_refusal()
    {
        await using var one = await OpenAsync();
        await ChangeAsync(c => c.Add(_time.GetUtcNow(), TimeSpan.Zero));
        await using var two = await OpenAsync();
        var (known, unknown) = (one.Sealer.Seal(s_purpose, [1]), two.Sealer.Seal(s_purpose, [1]));
        // Both look for changes, and one for the unknown key.
        for (var i = 0; i < 3; i++) _store.OnLoad.Enqueue(_ => throw new StoreException("away", Applied.No));
        await AdvanceAsync(s_model.Refresh);
        Assert.True(await OpensAsync(one, known));
        // The second comes within the pause: nobody looks for it, and still nobody knows.
        for (var i = 0; i < 2; i++) Assert.Equal("SS3001", (await Assert.ThrowsAsync<StatesideException>(() => OpensAsync(one, unknown))).Code);
        await AdvanceAsync(s_model.Refresh);
        Assert.True(await OpensAsync(one, unknown));
    }

    [Fact]
    public async Task Given_keys_need_no_store_and_all_nodes_name_them_alike()
    {
        var (a, b) = (new byte[32], new byte[32]);
        b[0] = 1;
        await using var one = await KeyRing.OpenAsync(null, s_model with { Given = [a] }, _time, NullLogger.Instance, default);
        await using var two = await KeyRing.OpenAsync(null, s_model with { Given = [b, a] }, _time, NullLogger.Instance, default);
        Assert.True(await OpensAsync(two, one.Sealer.Seal(s_purpose, [1])));
        Assert.False(await OpensAsync(one, two.Sealer.Seal(s_purpose, [1])));
        Assert.Equal(0, _time.Waiting);
    }

    [Fact]
    public async Task A_ring_of_a_newer_version_is_refused_and_left_as_it_is()
    {
        var key = new StateKey(Group.Cluster(0), KeyRingStore.RowName);
        await _store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, default) { Schema = 2, Body = "{}"u8.ToArray() }] }, default);
        Assert.Equal("SS3003", (await Assert.ThrowsAsync<StatesideException>(async () => await OpenAsync())).Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"keys":[{"id":"1"}]}""")]
    [InlineData("""{"keys":[{"id":"0000000a","secret":"AAAA"}]}""")]
    public async Task A_ring_that_is_none_is_told_without_its_content(string json)
    {
        var key = new StateKey(Group.Cluster(0), KeyRingStore.RowName);
        await _store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, default) { Body = System.Text.Encoding.UTF8.GetBytes(json) }] }, default);
        var e = await Assert.ThrowsAsync<StatesideException>(async () => await OpenAsync());
        Assert.Equal("SS3005", e.Code);
        Assert.DoesNotContain("AAAA", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void However_many_keys_are_added_the_one_that_seals_stays_and_a_revoked_one_goes_first()
    {
        var now = _time.GetUtcNow();
        var ring = RingContent.Empty.Add(now, TimeSpan.Zero).Add(now, TimeSpan.FromMinutes(1));
        var (seals, revoked) = (ring.Active(now), ring.Keys[1].Id);
        ring = ring.Revoke(revoked, now);
        while (ring.Keys.Length < RingContent.MostKeys) ring = ring.Add(now, TimeSpan.FromMinutes(1));
        ring = ring.Add(now, TimeSpan.FromMinutes(1));
        Assert.DoesNotContain(ring.Keys, k => k.Id == revoked);
        var oldest = ring.Keys[1].Id;
        ring = ring.Add(now, TimeSpan.FromMinutes(1));
        Assert.DoesNotContain(ring.Keys, k => k.Id == oldest);
        Assert.Equal((RingContent.MostKeys, seals), (ring.Keys.Length, ring.Active(now)));
    }
}
