using Stateside.Configuration;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.Tests.Sessions;

public sealed class SessionProofTests
{
    private static readonly SessionModel s_model = new("id", TimeSpan.FromHours(1), TimeSpan.FromDays(1), AllowCrossSite: false);
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddYears(50);
    private readonly SessionHandle _session = SessionHandle.Fresh();

    [Fact]
    public void A_row_is_proved_by_its_own_credential_however_often_it_is_asked()
    {
        foreach (var row in Rows())
            for (var i = 0; i < 3; i++) Assert.True(Again(_session).IsProvedBy(row, s_now));
    }

    [Fact]
    public void Another_secret_proves_nothing_before_and_after_the_right_one_did()
    {
        foreach (var row in Rows())
        {
            Assert.False(OtherSecret().IsProvedBy(row, s_now));
            Assert.True(Again(_session).IsProvedBy(row, s_now));
            Assert.False(OtherSecret().IsProvedBy(row, s_now));
        }
    }

    [Fact]
    public void A_session_past_its_end_is_not_proved_even_if_it_was_before()
    {
        foreach (var row in Rows())
        {
            Assert.True(_session.IsProvedBy(row, s_now));
            Assert.False(_session.IsProvedBy(row, s_now + s_model.AbsoluteTimeout));
        }
    }

    /// <summary>The row as a store reads it from a disk, and as one in memory keeps it from the commit.</summary>
    private Row[] Rows()
    {
        var write = _session.ToRow(s_now, s_model);
        var turn = TurnId.New();
        return [new Row(write.Key, write.Expected.Next(turn), write.Schema, 0, write.Body.ToArray(), null), Row.Of(write, turn, null)];
    }

    private static SessionHandle Again(SessionHandle session) => SessionHandle.Parse(session.Credential())!;

    /// <summary>The same internal id with the last characters of another credential, which belong to its secret.</summary>
    private SessionHandle OtherSecret() =>
        SessionHandle.Parse(string.Concat(_session.Credential().AsSpan(0, 24), SessionHandle.Fresh().Credential().AsSpan(24)))!;
}
