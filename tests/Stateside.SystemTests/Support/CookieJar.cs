namespace Stateside.SystemTests.Support;

/// <summary>Cookies by name, as a browser keeps those of one host. Their attributes are not looked at, but for the end.</summary>
internal sealed class CookieJar
{
    private readonly Dictionary<string, string> _cookies = new(StringComparer.Ordinal);

    /// <summary>What the next request sends; null without cookies.</summary>
    public string? Header => _cookies.Count == 0 ? null : string.Join("; ", _cookies.Select(c => $"{c.Key}={c.Value}"));

    /// <summary>Takes in the <c>Set-Cookie</c> headers of one response.</summary>
    public void Keep(IEnumerable<string> setCookies)
    {
        foreach (var cookie in setCookies)
        {
            var pair = cookie.Split(';')[0].Split('=', 2);
            if (cookie.Contains("max-age=0;", StringComparison.OrdinalIgnoreCase)) _cookies.Remove(pair[0]);
            else _cookies[pair[0]] = pair[1];
        }
    }
}
