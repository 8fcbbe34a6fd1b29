using System.Collections.Concurrent;

namespace Stateside.Check.Conversations;

/// <summary>
/// Cookies whose name a service makes of its own address. Behind one address all replicas give them one name; here each listens on a port of its own. The client keeps such
/// a cookie under the first replica's name, and sends it to each under the name that this one gives it.
/// </summary>
internal sealed class CookieNames
{
    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<string, string>> _shared = new(StringComparer.OrdinalIgnoreCase);
    private volatile IReadOnlyList<KeyValuePair<string, string>> _all = [];

    /// <summary>Says how a replica calls cookies.</summary>
    /// <param name="replica">The replica.</param>
    /// <param name="names">The shared names by its own.</param>
    public void Add(Uri replica, IReadOnlyDictionary<string, string> names)
    {
        _shared[replica.Authority] = names;
        _all = [.. _shared.Values.SelectMany(n => n).Where(n => n.Key != n.Value)];
    }

    /// <summary>The name under which a replica knows a cookie.</summary>
    public string Own(Uri replica, string shared) =>
        _shared.TryGetValue(replica.Authority, out var names) && names.FirstOrDefault(n => n.Value == shared) is { Key: { } own } ? own : shared;

    /// <summary>A Set-Cookie field of a replica with the shared name.</summary>
    public string Kept(Uri replica, string field)
    {
        if (!_shared.TryGetValue(replica.Authority, out var names) || field.IndexOf('=') is not (var equals and > 0)) return field;
        return names.TryGetValue(field[..equals].Trim(), out var shared) ? shared + field[equals..] : field;
    }

    /// <summary>A text with the shared names in the place of all others.</summary>
    public string Plain(string text)
    {
        foreach (var (own, shared) in _all) text = text.Replace(own, shared, StringComparison.Ordinal);
        return text;
    }
}
