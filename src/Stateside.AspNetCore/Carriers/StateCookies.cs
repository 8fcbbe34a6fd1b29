using Microsoft.Extensions.Primitives;
using Stateside.AspNetCore.Http;

namespace Stateside.AspNetCore.Carriers;

/// <summary>
/// A sealed state in cookies: one of its name, or where that is too long for one, the first with the number of chunks and a dot before
/// its part, and the others under the name with a dot and their number (<c>cart</c>, <c>cart.1</c>, <c>cart.2</c>).
/// </summary>
/// <remarks>
/// A browser keeps each cookie by itself, so chunks can be lost, remain from a larger state or be put together from two. Which
/// they are need not be told: the seal is over the whole, and what is not exactly the chunks that the first one counts is refused.
/// </remarks>
internal static class StateCookies
{
    /// <summary>Most cookies for one state. Bounds what is looked at, and what a request can make the server delete.</summary>
    public const int MostChunks = 8;

    /// <summary>Browsers drop a cookie whose name and value have more bytes than that (RFC 6265bis §5.6).</summary>
    public const int MostCookieBytes = 4096;

    /// <summary>What the cookies of one state in a request come to.</summary>
    /// <param name="Token">The whole seal; null if there is none, or <paramref name="IsBroken"/>.</param>
    /// <param name="IsBroken">Whether there is something that cannot be one state.</param>
    /// <param name="Chunks">Bit i is set if chunk i is there.</param>
    /// <param name="Bytes">What the cookies take of the header.</param>
    public readonly record struct Found(string? Token, bool IsBroken, int Chunks, int Bytes);

    /// <summary>Looks for the cookies of <paramref name="name"/> in one pass.</summary>
    public static Found Find(StringValues header, string name)
    {
        string?[]? parts = null;
        var (chunks, bytes, broken) = (0, 0, false);
        foreach (var line in header)
        {
            for (var rest = line.AsSpan(); !rest.IsEmpty;)
            {
                var end = rest.IndexOf(';');
                var pair = (end < 0 ? rest : rest[..end]).TrimStart(" \t");
                rest = end < 0 ? default : rest[(end + 1)..];
                if (!pair.StartsWith(name, StringComparison.Ordinal) || IndexOf(pair, name.Length) is not { } chunk) continue;
                bytes += pair.Length + 2;
                if ((chunks & 1 << chunk) != 0)
                {
                    broken = true;
                    continue;
                }
                chunks |= 1 << chunk;
                (parts ??= new string?[MostChunks])[chunk] = pair[(pair.IndexOf('=') + 1)..].ToString();
            }
        }
        if (parts is null || broken) return new Found(null, broken, chunks, bytes);
        var token = Join(parts, chunks);
        return new Found(token, token is null, chunks, bytes);
    }

    /// <summary>The names and values that hold <paramref name="token"/>; null if it is too long for <see cref="MostChunks"/>.</summary>
    public static List<(string Name, string Value)>? Split(string name, string token)
    {
        if (name.Length + token.Length <= MostCookieBytes) return [(name, token)];
        var room = MostCookieBytes - name.Length - 2;
        var count = (token.Length + room - 1) / room;
        if (count > MostChunks) return null;
        var cookies = new List<(string, string)>(count);
        for (var i = 0; i < count; i++)
        {
            var part = token.Substring(i * room, Math.Min(room, token.Length - i * room));
            cookies.Add(i == 0 ? (name, $"{count}.{part}") : (ChunkName(name, i), part));
        }
        return cookies;
    }

    public static string ChunkName(string name, int chunk) => chunk == 0 ? name : $"{name}.{chunk}";

    /// <summary>
    /// Which chunk a pair that begins with the name is; null for another cookie. What is numbered as no chunk can be is another too: it
    /// could not be taken back, since what is deleted is bounded, so a client that has one would be refused for ever.
    /// </summary>
    private static int? IndexOf(ReadOnlySpan<char> pair, int nameLength)
    {
        var after = pair[nameLength..];
        if (after.IsEmpty) return null;
        if (after[0] == '=') return 0;
        if (after[0] != '.') return null;
        var equals = after.IndexOf('=');
        return equals == 2 && after[1] is > '0' and < (char)('0' + MostChunks) ? after[1] - '0' : null;
    }

    private static string? Join(string?[] parts, int chunks)
    {
        if (parts[0] is not { } head) return null;
        if (head.Length < 2 || head[1] != '.') return chunks == 1 ? head : null;
        var count = head[0] - '0';
        if (count is < 2 or > MostChunks || chunks != (1 << count) - 1) return null;
        parts[0] = head[2..];
        return string.Concat(parts.AsSpan(0, count)!);
    }
}
