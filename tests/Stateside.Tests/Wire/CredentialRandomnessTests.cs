using System.Buffers.Text;
using Stateside.Sessions;

namespace Stateside.Tests.Wire;

public class CredentialRandomnessTests
{
    private const int Count = 1_000_000;

    [Fact]
    public void OWA_01_a_million_session_credentials_have_no_duplicate_and_no_bit_that_leans()
    {
        // A fair bit is off by more than 5 sigma once in 1.7 million samples, so one of 256 once in 7,000 runs of this
        // test; the same bit in two samples of their own practically never.
        var leaning = Leaning();
        if (leaning.Length > 0) leaning = [.. Leaning().Intersect(leaning)];
        Assert.Empty(leaning);
    }

    private static int[] Leaning()
    {
        var seen = new int[32, 256];
        var ids = new HashSet<UInt128>(Count);
        var secrets = new HashSet<UInt128>(Count);
        Span<byte> bytes = stackalloc byte[33];
        for (var i = 0; i < Count; i++)
        {
            Base64Url.DecodeFromChars(SessionHandle.Fresh().Credential(), bytes);
            Assert.True(ids.Add(TurnId.Read(bytes[1..]).Value) && secrets.Add(TurnId.Read(bytes[17..]).Value));
            for (var at = 0; at < 32; at++) seen[at, bytes[1 + at]]++;
        }
        var sigma = Math.Sqrt(Count) / 2;
        return [.. Enumerable.Range(0, 256).Where(bit => Math.Abs(Ones(bit) - Count / 2) > 5 * sigma)];

        int Ones(int bit) => Enumerable.Range(0, 256).Where(value => (value >> bit % 8 & 1) == 1).Sum(value => seen[bit / 8, value]);
    }
}
