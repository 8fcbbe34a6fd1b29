using System.Globalization;

namespace Stateside.Check.Conversations;

/// <summary>Reads Set-Cookie fields as RFC 6265bis, section 5, tells browsers to.</summary>
internal static class SetCookie
{
    private const int MaxNameAndValue = 4096;
    private const int MaxAttribute = 1024;

    /// <summary>The cookie, or null if the field is ignored.</summary>
    public static Cookie? Parse(string field, string requestPath)
    {
        if (field.Any(c => c is < ' ' and not '\t' or '\x7F')) return null;
        var parts = field.Split(';');
        var (name, value) = Pair(parts[0], nameFirst: false);
        if (name.Length + value.Length is 0 or > MaxNameAndValue) return null;
        var cookie = new Cookie(name, value) { Path = DefaultPath(requestPath) };
        foreach (var attribute in parts.Skip(1))
        {
            var (key, text) = Pair(attribute, nameFirst: true);
            if (text.Length > MaxAttribute) continue;
            cookie = key.ToLowerInvariant() switch
            {
                "expires" => ParseDate(text) is { } date ? cookie with { Expires = date } : cookie,
                "max-age" => ParseAge(text) is { } age ? cookie with { MaxAge = age } : cookie,
                "domain" => cookie with { Domain = text.TrimStart('.').ToLowerInvariant() is { Length: > 0 } domain ? domain : null },
                "path" => cookie with { Path = text.StartsWith('/') ? text : DefaultPath(requestPath) },
                "secure" => cookie with { Secure = true },
                "httponly" => cookie with { HttpOnly = true },
                "samesite" => cookie with { SameSite = text },
                "partitioned" => cookie with { Partitioned = true },
                _ => cookie,
            };
        }
        return cookie;
    }

    /// <summary>Why a browser refuses the cookie because of the prefix of its name, or null.</summary>
    public static string? PrefixFault(Cookie cookie)
    {
        // A nameless cookie whose value begins so would be sent as if it had the name.
        var name = cookie.Name.Length > 0 ? cookie.Name : cookie.Value;
        if (name.StartsWith("__Secure-", StringComparison.OrdinalIgnoreCase) && (!cookie.Secure || cookie.Name.Length == 0)) return "its name begins with __Secure-, but it is not Secure";
        return name.StartsWith("__Host-", StringComparison.OrdinalIgnoreCase) && (!cookie.Secure || cookie.Path != "/" || cookie.Domain is not null || cookie.Name.Length == 0)
            ? "its name begins with __Host-, but it is not Secure with Path=/ and without Domain"
            : null;
    }

    /// <summary>The path of a cookie that names none: the folder of the request.</summary>
    public static string DefaultPath(string requestPath) =>
        requestPath.StartsWith('/') && requestPath.LastIndexOf('/') is var slash and > 0 ? requestPath[..slash] : "/";

    /// <summary>A cookie date (RFC 6265bis, 5.1.1): any order, two-digit years and odd separators are read.</summary>
    public static DateTimeOffset? ParseDate(string text)
    {
        int? day = null, month = null, year = null;
        (int H, int M, int S)? time = null;
        foreach (var token in text.Split([' ', '\t', ',', '-', '/', ';', '.', '(', ')'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (time is null && ParseTime(token) is { } t) time = t;
            else if (day is null && LeadingDigits(token, 1, 2) is { } d) day = d;
            else if (month is null && Month(token) is { } m) month = m;
            else if (year is null && LeadingDigits(token, 2, 4) is { } y) year = y is >= 70 and <= 99 ? y + 1900 : y is >= 0 and <= 69 ? y + 2000 : y;
        }
        if (time is not { H: <= 23, M: <= 59, S: <= 59 } || day is not (>= 1 and <= 31) || month is null || year is not (>= 1601 and <= 9999)) return null;
        return day <= DateTime.DaysInMonth(year.Value, month.Value)
            ? new DateTimeOffset(year.Value, month.Value, day.Value, time.Value.H, time.Value.M, time.Value.S, TimeSpan.Zero)
            : null;
    }

    private static (string, string) Pair(string text, bool nameFirst) => text.IndexOf('=') switch
    {
        < 0 => nameFirst ? (text.Trim(), "") : ("", text.Trim()),
        var i => (text[..i].Trim(), text[(i + 1)..].Trim()),
    };

    private static long? ParseAge(string text)
    {
        var digits = text.StartsWith('-') ? text[1..] : text;
        if (digits.Length == 0 || !digits.All(char.IsAsciiDigit)) return null;
        if (text.StartsWith('-')) return -1;
        return digits.Length > 10 ? int.MaxValue : long.Parse(digits, CultureInfo.InvariantCulture);
    }

    private static (int, int, int)? ParseTime(string token)
    {
        var parts = token.Split(':');
        return parts.Length == 3 && LeadingDigits(parts[0], 1, 2) is { } h && LeadingDigits(parts[1], 1, 2) is { } m && LeadingDigits(parts[2], 1, 2) is { } s
            ? (h, m, s)
            : null;
    }

    private static int? LeadingDigits(string token, int min, int max)
    {
        var count = token.TakeWhile(char.IsAsciiDigit).Count();
        return count >= min && count <= max ? int.Parse(token[..count], CultureInfo.InvariantCulture) : null;
    }

    private static int? Month(string token) =>
        token.Length >= 3 && Array.FindIndex(CultureInfo.InvariantCulture.DateTimeFormat.AbbreviatedMonthNames, m => m.Length > 0 && token.StartsWith(m, StringComparison.OrdinalIgnoreCase)) is var i and >= 0
            ? i + 1
            : null;
}
