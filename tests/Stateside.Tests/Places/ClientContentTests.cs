using System.Text;
using Stateside.Configuration;
using Stateside.Places;
using Stateside.Sealing;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Tests.Turns;

namespace Stateside.Tests.Places;

/// <summary>What lies inside a seal: its form, its end, and what it may not become.</summary>
public sealed class ClientContentTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);
    private static readonly StateKey s_key = new(Group.Session(7), "count");
    private static readonly StateVersion s_version = StateVersion.None.Next(new TurnId(5));

    private static StateDefinition Definition(bool compress = false, int padTo = 0, int maxBytes = 10_000)
    {
        var definition = new StateDefinition<Count>("count", TurnJson.Default.Count, new Count(0), Needs.None, schema: 3);
        definition.Configure(Place.Client, new StateModel(null, maxBytes) { IsCompressed = compress, PadTo = padTo });
        return definition;
    }

    private static Row RowOf(string body) => new(s_key, s_version, 3, 0, Encoding.UTF8.GetBytes(body), null);

    private static byte[] Write(StateDefinition definition, Row row) => ClientContent.Write(definition, row, s_now, s_now + TimeSpan.FromHours(1));

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 256)]
    [InlineData(true, 256)]
    public void What_is_written_is_read_back(bool compress, int padTo)
    {
        var definition = Definition(compress, padTo);
        var body = $"{{\"value\":{new string('1', 400)}}}";
        var content = Write(definition, RowOf(body));
        var row = ClientContent.Read(definition, s_key, content, s_now)!;
        Assert.Equal((s_key, s_version, 3, true, TimeSpan.FromHours(1)), (row.Key, row.Version, row.Schema, row.Exists, row.Remaining!.Value));
        Assert.Equal(body, Encoding.UTF8.GetString(row.Body.Span));
        Assert.True(!compress || padTo > 0 || content.Length < 200);
        Assert.True(padTo == 0 || content.Length % padTo == 0);
    }

    [Fact]
    public void The_form_is_fixed_byte_by_byte()
    {
        var content = Write(Definition(), RowOf("{\"value\":1}"));
        Assert.Equal(
            "0100" + "0000000000000001" + "00000000000000000000000000000005" + "00000003" + "000001A3185C5000" + "000001A318933E80" + "0000000B" + "0000000B" + Convert.ToHexString("{\"value\":1}"u8),
            Convert.ToHexString(content));
        var deleted = Write(Definition(), Row.Absent(s_key, s_version));
        Assert.Equal(
            "0102" + "0000000000000001" + "00000000000000000000000000000005" + "00000001" + "000001A3185C5000" + "000001A318933E80" + "00000000" + "00000000", Convert.ToHexString(deleted));
        Assert.Equal(
            "01" + "0000000000000001" + "00000000000000000000000000000005" + "0000000000000000" + "00000000000000000000000000000000" + "61",
            Convert.ToHexString(new ClientGuard(s_version, default, "a").Write()));
    }

    [Fact]
    public void What_was_deleted_keeps_its_version()
    {
        var row = ClientContent.Read(Definition(), s_key, Write(Definition(), Row.Absent(s_key, s_version)), s_now)!;
        Assert.Equal((false, s_version), (row.Exists, row.Version));
    }

    [Fact]
    public void SEA_07_Its_end_is_inside_and_to_the_moment()
    {
        var content = Write(Definition(), RowOf("{\"value\":1}"));
        Assert.True(ClientContent.Read(Definition(), s_key, content, s_now + TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1))!.Exists);
        Assert.False(ClientContent.Read(Definition(), s_key, content, s_now + TimeSpan.FromHours(1))!.Exists);
    }

    [Fact]
    public void SEA_07_What_was_sealed_in_the_future_is_refused_beyond_the_skew()
    {
        var content = Write(Definition(), RowOf("{\"value\":1}"));
        Assert.NotNull(ClientContent.Read(Definition(), s_key, content, s_now - ClientContent.Skew));
        Assert.Null(ClientContent.Read(Definition(), s_key, content, s_now - ClientContent.Skew - TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    public void SEA_10_What_would_swell_beyond_the_state_s_limit_is_refused_before_it_is_inflated()
    {
        var content = Write(Definition(compress: true, maxBytes: 100_000_000), RowOf(new string('a', 50_000_000)));
        Assert.InRange(content.Length, 1, 10_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(ClientContent.Read(Definition(compress: true), s_key, content, s_now));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    [Fact]
    public void SEA_11_Whatever_is_cut_or_changed_inside_is_refused_or_read_and_never_throws()
    {
        foreach (var compress in new[] { false, true })
        {
            var content = Write(Definition(compress), RowOf("{\"value\":12345678901234567890123456789012345678901234567890}"));
            for (var length = 0; length < content.Length; length++) Assert.Null(ClientContent.Read(Definition(compress), s_key, content.AsMemory(0, length), s_now));
            for (var i = 0; i < content.Length * 8; i++)
            {
                var changed = (byte[])content.Clone();
                changed[i / 8] ^= (byte)(1 << i % 8);
                if (ClientContent.Read(Definition(compress), s_key, changed, s_now) is { Exists: true } row) Assert.InRange(row.Body.Length, 0, 10_000);
            }
        }
    }

    [Fact]
    public async Task SEA_07_OWA_06_OWA_07_A_sealed_session_ends_when_it_says_and_is_given_anew_in_its_last_three_quarters()
    {
        var time = new ManualClock(s_now);
        var key = new SealKey(new SealKeyId(1), new byte[32]);
        var model = new SessionModel("id", TimeSpan.FromHours(1), TimeSpan.FromHours(3), false);
        var sessions = new SessionIssuer(new Sealer("shop", new SealKeys(key, [key])), model, time);
        var begun = sessions.Begin();
        Assert.True(begun is { IsFresh: true, IsSealed: true, HasRow: false });
        var credential = sessions.Credential(begun);
        for (var quarters = 0; quarters < 40; quarters++)
        {
            var session = await sessions.ReadAsync(credential, default);
            if (quarters * 15 >= 180)
            {
                Assert.Null(session);
                return;
            }
            Assert.Equal((begun.Id, false), (session!.Id, session.IsFresh));
            if (session.IsDue) credential = sessions.Credential(session);
            time.Advance(TimeSpan.FromMinutes(15));
        }
        Assert.Fail("It never ended.");
    }

    [Fact]
    public async Task OWA_06_A_sealed_session_that_nobody_uses_ends_to_the_second()
    {
        var time = new ManualClock(s_now);
        var key = new SealKey(new SealKeyId(1), new byte[32]);
        var sessions = new SessionIssuer(new Sealer("shop", new SealKeys(key, [key])), new SessionModel("id", TimeSpan.FromHours(1), TimeSpan.FromHours(3), false), time);
        var credential = sessions.Credential(sessions.Begin());
        time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        Assert.NotNull(await sessions.ReadAsync(credential, default));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await sessions.ReadAsync(credential, default));
    }
}
