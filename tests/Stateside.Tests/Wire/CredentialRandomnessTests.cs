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
        var ones = new int[256];
        var ids = new HashSet<UInt128>(Count);
        var secrets = new HashSet<UInt128>(Count);
        Span<byte> bytes = stackalloc byte[33];
        for (var i = 0; i < Count; i++)
        {
            Base64Url.DecodeFromChars(SessionHandle.Fresh().Credential(), bytes);
            Assert.True(ids.Add(TurnId.Read(bytes[1..]).Value) && secrets.Add(TurnId.Read(bytes[17..]).Value));
            for (var bit = 0; bit < ones.Length; bit++) ones[bit] += bytes[1 + bit / 8] >> bit % 8 & 1;
        }
        var sigma = Math.Sqrt(Count) / 2;
        return [.. Enumerable.Range(0, ones.Length).Where(bit => Math.Abs(ones[bit] - Count / 2) > 5 * sigma)];
    }
}
