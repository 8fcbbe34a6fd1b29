using System.Security.Cryptography;
using System.Text;

namespace Stateside.Cluster;

/// <summary>
/// Rendezvous hashing: each node has a weight for each shard, and the heaviest is its home. A node that joins takes only what
/// becomes its own, and what a node leaves behind goes evenly to the others; between the others nothing moves.
/// </summary>
internal static class Rendezvous
{
    /// <summary>The home of each shard.</summary>
    /// <returns>For each shard an index into <paramref name="members"/>; -1 if there is none to choose from.</returns>
    public static short[] Homes(IReadOnlyList<Member> members)
    {
        var homes = new short[Group.ShardCount];
        var seeds = new ulong[members.Count];
        for (var m = 0; m < seeds.Length; m++) seeds[m] = Seed(members[m].Name);
        for (var shard = 0; shard < homes.Length; shard++)
        {
            var (best, weight, salt) = ((short)-1, 0UL, Mix((ulong)shard + 1));
            for (var m = 0; m < seeds.Length; m++)
            {
                if (members[m].IsLeaving) continue;
                var w = Mix(seeds[m] ^ salt);
                if (best < 0 || w > weight) (best, weight) = ((short)m, w);
            }
            homes[shard] = best;
        }
        return homes;
    }

    /// <summary>A number that follows from a name alone, in every version and on every machine.</summary>
    public static ulong Seed(string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    /// <summary>The finaliser of SplitMix64: each bit of the input moves half of the output's.</summary>
    private static ulong Mix(ulong x)
    {
        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9;
        x ^= x >> 27;
        x *= 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }
}
