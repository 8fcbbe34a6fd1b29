namespace Stateside.Check.Conversations;

/// <summary>
/// The cookies of one session, as a browser keeps them (RFC 6265bis), but so that the rig causes no difference: every cookie belongs to the one host that all replicas
/// share, whatever the port, the scheme or the Domain attribute. Paths and expiry are honoured. All members may be called at the same time.
/// </summary>
public sealed class CookieJar
{
    private const int MaxCookies = 180;
    private const int MaxHistory = 10_000;
    private static readonly TimeSpan MaxLife = TimeSpan.FromDays(400);

    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly List<Kept> _kept = [];
    private readonly List<CookieSeen> _history = [];

    /// <summary>Makes an empty one.</summary>
    public CookieJar(TimeProvider time) => _time = time;

    private sealed record Kept(Cookie Cookie, DateTimeOffset? Until);

    /// <summary>The cookies that have not expired, in the order in which they were first set.</summary>
    public IReadOnlyList<Cookie> Cookies
    {
        get { lock (_lock) return [.. Live().Select(k => k.Cookie)]; }
    }

    /// <summary>Every Set-Cookie field that was seen, in order, the refused ones too; the first 10,000.</summary>
    public IReadOnlyList<CookieSeen> History
    {
        get { lock (_lock) return [.. _history]; }
    }

    /// <summary>The cookie of a name (of several paths: the one with the longest), or null.</summary>
    public Cookie? this[string name] => Cookies.Where(c => c.Name == name).MaxBy(c => c.Path.Length);

    /// <summary>A jar of its own with the same cookies and history.</summary>
    public CookieJar Copy()
    {
        var copy = new CookieJar(_time);
        lock (_lock)
        {
            copy._kept.AddRange(_kept);
            copy._history.AddRange(_history);
        }
        return copy;
    }

    /// <summary>Sets a cookie by hand; it replaces that of the same name and path.</summary>
    public void Set(Cookie cookie)
    {
        lock (_lock) Put(cookie);
    }

    /// <summary>Removes the cookies of a name.</summary>
    public void Remove(string name)
    {
        lock (_lock) _kept.RemoveAll(k => k.Cookie.Name == name);
    }

    /// <summary>Removes all cookies. The history stays.</summary>
    public void Clear()
    {
        lock (_lock) _kept.Clear();
    }

    /// <summary>The cookies that a request for a path carries: longer paths first, then older cookies first.</summary>
    public IReadOnlyList<Cookie> For(string path)
    {
        lock (_lock) return [.. Live().Select(k => k.Cookie).Where(c => Covers(c.Path, path)).OrderByDescending(c => c.Path.Length)];
    }

    /// <summary>Keeps what a response sets.</summary>
    /// <param name="setCookies">The values of its Set-Cookie fields, in order.</param>
    /// <param name="path">The path of the request, without query.</param>
    /// <param name="step">The step's number, for the history.</param>
    /// <param name="replica">The replica, for the history.</param>
    public void Keep(IEnumerable<string> setCookies, string path, int step, int replica)
    {
        lock (_lock)
        {
            foreach (var raw in setCookies)
            {
                var cookie = SetCookie.Parse(raw, path);
                var refused = cookie is null ? "it is empty, over 4,096 characters, or has control characters" : SetCookie.PrefixFault(cookie);
                if (_history.Count < MaxHistory) _history.Add(new(cookie ?? new Cookie("", ""), raw, step, replica, refused));
                if (refused is null) Put(cookie!);
            }
        }
    }

    private void Put(Cookie cookie)
    {
        var now = _time.GetUtcNow();
        var at = _kept.FindIndex(k => k.Cookie.Name == cookie.Name && k.Cookie.Path == cookie.Path);
        if (cookie.RemovesAt(now))
        {
            if (at >= 0) _kept.RemoveAt(at);
            return;
        }
        DateTimeOffset? until = cookie.MaxAge is { } age ? now + TimeSpan.FromSeconds(Math.Min(age, MaxLife.TotalSeconds)) : cookie.Expires;
        if (until > now + MaxLife) until = now + MaxLife;
        if (at >= 0) _kept[at] = new(cookie, until);
        else _kept.Add(new(cookie, until));
        if (_kept.Count > MaxCookies) _kept.RemoveAt(0);
    }

    private IEnumerable<Kept> Live()
    {
        var now = _time.GetUtcNow();
        return _kept.Where(k => k.Until is not { } until || until > now);
    }

    private static bool Covers(string cookiePath, string path) =>
        path == cookiePath || (path.StartsWith(cookiePath, StringComparison.Ordinal) && (cookiePath.EndsWith('/') || path[cookiePath.Length] == '/'));
}
