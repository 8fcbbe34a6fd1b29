namespace Stateside.Tool.Replay;

/// <summary>
/// The cookies of one customer. Attributes are not looked at, except to forget: a replay talks to one server, and over
/// plain HTTP to a cookie that a browser would want HTTPS for.
/// </summary>
internal sealed class ShopSession
{
    private readonly List<(string Name, string Value)> _cookies = [];

    /// <summary>The value of the <c>Cookie</c> header; null before the server has set one.</summary>
    public string? Header { get; private set; }

    /// <summary>
    /// Takes in the <c>Set-Cookie</c> headers of one response, all at once: a state may come in several. Requests of one session may
    /// do so at the same time.
    /// </summary>
    public void Absorb(IEnumerable<string> setCookies)
    {
        lock (_cookies)
        {
            foreach (var setCookie in setCookies) AbsorbOne(setCookie);
            Header = _cookies.Count == 0 ? null : string.Join("; ", _cookies.Select(cookie => $"{cookie.Name}={cookie.Value}"));
        }
    }

    private void AbsorbOne(string setCookie)
    {
        var parts = setCookie.Split(';', StringSplitOptions.TrimEntries);
        var equals = parts[0].IndexOf('=');
        if (equals <= 0) return;
        var (name, value) = (parts[0][..equals], parts[0][(equals + 1)..]);
        var ended = value.Length == 0 || parts.Skip(1).Any(p => p.Equals("Max-Age=0", StringComparison.OrdinalIgnoreCase));
        _cookies.RemoveAll(cookie => cookie.Name == name);
        if (!ended) _cookies.Add((name, value));
    }
}
