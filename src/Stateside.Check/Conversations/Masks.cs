using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Stateside.Check.Conversations;

/// <summary>
/// Masks secrets in what is shown. A masked value keeps its length, four leading characters if it is long enough to spare them, and four hexadecimal digits by which equal
/// secrets look equal within one run: <c>eyJh…[312:7f3a]</c>. The digits are keyed by the process, so that nobody can try passwords against a report.
/// </summary>
public static partial class Masks
{
    private const int SparesLeading = 16;
    private const int ShortestTyped = 6;
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    /// <summary>A masked value; empty stays empty, and what is masked already stays as it is.</summary>
    public static string Value(string secret)
    {
        if (secret.Length == 0 || Masked().IsMatch(secret)) return secret;
        var digits = Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(secret)).AsSpan(0, 2));
        return string.Create(CultureInfo.InvariantCulture, $"{(secret.Length >= SparesLeading ? secret[..4] : "")}…[{secret.Length}:{digits}]");
    }

    /// <summary>Whether a field, header, variable or JSON name looks as if it held a secret.</summary>
    public static bool IsSecretName(string name) => SecretName().IsMatch(name) && !NotSecretName().IsMatch(name);

    /// <summary>The value of a header field, its secrets masked.</summary>
    public static string Header(string name, string value) => name.ToLowerInvariant() switch
    {
        "authorization" or "proxy-authorization" when value.IndexOf(' ') is var space and > 0 => $"{value[..space]} {Value(value[(space + 1)..].Trim())}",
        "authorization" or "proxy-authorization" => Value(value),
        "cookie" => string.Join("; ", value.Split(';').Select(MaskPair)),
        "set-cookie" => value.Split(';', 2) is [var pair, var rest] ? $"{MaskPair(pair)};{rest}" : MaskPair(value),
        "location" or "referer" or "content-location" or "refresh" => Text(value),
        _ => IsSecretName(name) ? Value(value) : value,
    };

    /// <summary>A text of any kind (JSON, form, HTML, query, headers), its secrets masked.</summary>
    /// <param name="text">The text.</param>
    /// <param name="secrets">Values that are masked wherever they stand: those of <see cref="Conversation.Secrets"/>. Shorter ones than 4 characters are left.</param>
    public static string Text(string text, IEnumerable<string>? secrets = null)
        => Replace(Known(text, secrets ?? []), (_, value) => Value(value));

    /// <summary>A text in which values that are known to be secret are masked, and nothing else.</summary>
    internal static string Known(string text, IEnumerable<string> secrets)
    {
        foreach (var secret in secrets.Where(s => s.Length >= 4).Distinct().OrderByDescending(s => s.Length))
        {
            text = text.Replace(secret, Value(secret), StringComparison.Ordinal);
            if (Uri.EscapeDataString(secret) is var escaped && escaped != secret) text = text.Replace(escaped, Value(secret), StringComparison.Ordinal);
        }
        return text;
    }

    /// <summary>A text in which something else takes the place of each value that looks secret by its name (JSON, form, query, HTML) or its form (JWT).</summary>
    /// <param name="text">The text.</param>
    /// <param name="replacement">Given the name and the value.</param>
    internal static string Replace(string text, Func<string, string, string> replacement)
    {
        text = JsonMember().Replace(text, m => IsSecretName(m.Groups["n"].Value) ? m.Groups["h"].Value + replacement(m.Groups["n"].Value, m.Groups["v"].Value) + m.Groups["t"].Value : m.Value);
        text = UserInfo().Replace(text, m => m.Groups["h"].Value + replacement("password", m.Groups["v"].Value) + "@");
        text = CommandOption().Replace(text, m => IsSecretName(m.Groups["n"].Value) ? m.Groups["h"].Value + replacement(m.Groups["n"].Value, m.Groups["v"].Value) : m.Value);
        text = HtmlField().Replace(text, m => IsSecretName(m.Groups["n"].Value) ? m.Groups["h"].Value + replacement(m.Groups["n"].Value, m.Groups["v"].Value) : m.Value);
        text = Pair().Replace(text, m => IsSecretName(m.Groups["n"].Value) ? m.Groups["n"].Value + "=" + replacement(m.Groups["n"].Value, m.Groups["v"].Value) : m.Value);
        return Jwt().Replace(text, m => replacement("token", m.Value));
    }

    /// <summary>The value at a place of <see cref="Comparing.Facts"/>, masked if the place's name looks secret or it is a cookie's value.</summary>
    public static string Fact(string place, string value, IEnumerable<string>? secrets = null) =>
        place.StartsWith("cookie:", StringComparison.Ordinal) ? (place.EndsWith('=') ? Value(value) : value)
        : IsSecretName(LastName(place)) ? Value(value)
        : place.StartsWith("header:", StringComparison.Ordinal) ? Text(Header(place["header:".Length..], value), secrets)
        : Text(value, secrets);

    /// <summary>An exchange as text, a line for each redirect on the way, request and response, secrets masked, bodies cut after <paramref name="maxBody"/> characters; bytes that are no text are counted.</summary>
    public static string Of(Exchange exchange, IEnumerable<string>? secrets = null, int maxBody = 4000)
    {
        var known = (secrets ?? []).Concat(SecretsOf(exchange)).ToList();
        var text = new StringBuilder();
        if (exchange.Hops.Count > 0) text.Append(CultureInfo.InvariantCulture, $"(after {Redirects(exchange, known)})\n");
        if (exchange.Request is { } request)
        {
            text.Append(CultureInfo.InvariantCulture, $"{request.Method} {Text(request.Url.PathAndQuery, known)} HTTP/1.1\n");
            foreach (var (name, value) in request.Headers) text.Append(CultureInfo.InvariantCulture, $"{name}: {Text(Header(name, value), known)}\n");
            AppendBody(text, request.Body, request.Headers, known, maxBody);
            text.Append('\n');
        }
        if (exchange.Answer is { } answer)
        {
            text.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status}\n");
            foreach (var (name, value) in answer.Headers) text.Append(CultureInfo.InvariantCulture, $"{name}: {Text(Header(name, value), known)}\n");
            AppendBody(text, answer.Body, answer.Headers, known, maxBody);
            if (answer.Truncated) text.Append("… (more followed)\n");
        }
        if (exchange.Detail is { } detail) text.Append(CultureInfo.InvariantCulture, $"({Text(detail, known)})\n");
        return text.ToString();
    }

    /// <summary>The redirects that led to an exchange, in words: <c>POST /drink answered 303 → GET /</c>.</summary>
    internal static string Redirects(Exchange exchange, IReadOnlyList<string> secrets)
    {
        string Line(Exchange e) => $"{e.Request?.Method} {Text(e.Request?.Url.PathAndQuery ?? "", secrets)}";
        return string.Concat(exchange.Hops.Select(hop => string.Create(CultureInfo.InvariantCulture, $"{Line(hop)} answered {hop.Answer?.Status} → "))) + Line(exchange);
    }

    /// <summary>The name in which a place ends: <c>csrf</c> of <c>html:form[0].field[csrf]</c>, <c>token</c> of <c>json:$.a.token</c>, <c>ids</c> of <c>json:$.ids[0]</c>.</summary>
    internal static string LastName(string place) => LastNameOf().Match(place) is { Success: true } m ? m.Groups["n"].Value : place;

    /// <summary>What a request's text holds under names that look secret. Shorter values are words that may stand anywhere.</summary>
    internal static List<string> Typed(string text)
    {
        var typed = new List<string>();
        _ = Replace(text, (_, value) =>
        {
            if (value.Length >= ShortestTyped) typed.Add(Uri.UnescapeDataString(value.Replace('+', ' ')));
            return value;
        });
        return typed;
    }

    /// <summary>The secrets of an exchange, which are masked wherever else they stand: what its request was filled with, credentials and cookies in both directions, and what is taken out of its response.</summary>
    internal static IEnumerable<string> SecretsOf(Exchange exchange)
    {
        var secrets = exchange.Step.Extractions.Where(e => e.Secret).Select(e => Places.Find(exchange, e.Place)).OfType<string>().ToList();
        if (exchange.Request?.Filled is { } filled)
            secrets.AddRange(filled.Target.Concat(filled.Headers.SelectMany(h => h.Value)).Concat(filled.Body ?? []).Where(p => p.Secret).Select(p => p.Text));
        foreach (var (name, value) in (exchange.Request?.Headers ?? []).Concat(exchange.Answer?.Headers ?? []))
        {
            // Short values are words, such as a language, that would be struck out of every sentence.
            if (name.Equals("cookie", StringComparison.OrdinalIgnoreCase)) secrets.AddRange(value.Split(';').Select(pair => pair[(pair.IndexOf('=') + 1)..].Trim()).Where(v => v.Length >= SparesLeading));
            else if (name.Equals("set-cookie", StringComparison.OrdinalIgnoreCase) && SetCookie.Parse(value, "/") is { Value.Length: >= SparesLeading } cookie) secrets.Add(cookie.Value);
            else if (name.Equals("authorization", StringComparison.OrdinalIgnoreCase) && value[(value.IndexOf(' ') + 1)..] is { Length: >= SparesLeading } credential) secrets.Add(credential);
        }
        return secrets;
    }

    private static void AppendBody(StringBuilder text, ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, List<string> secrets, int maxBody)
    {
        if (body.IsEmpty) return;
        text.Append('\n');
        var type = headers.Where(h => h.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();
        if (Comparing.BodyText.Decode(body.Span, type) is not { } decoded)
        {
            text.Append(CultureInfo.InvariantCulture, $"({body.Length} bytes, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(body.Span))})\n");
            return;
        }
        // Masked before it is cut, so that a secret at the cut is not left half.
        var masked = Text(decoded.Length > 20 * maxBody ? decoded[..(20 * maxBody)] : decoded, secrets);
        text.Append(masked.Length > maxBody ? masked[..maxBody] + "…" : masked).Append('\n');
    }

    private static string MaskPair(string pair) => pair.IndexOf('=') is var i and >= 0 ? pair[..(i + 1)] + Value(pair[(i + 1)..].Trim()) : Value(pair.Trim());

    [GeneratedRegex(@"pass(word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|credential|\bkey$|^key$"
        + @"|session[_-]?id|sessid|^sid$|connect\.sid|csrf|xsrf|nonce|\botp\b|\bpin\b|authorization|assertion|^code$|jwt|signature|viewstate$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SecretName();

    // An Idempotency-Key authorises nothing, and reports about retries must show it.
    [GeneratedRegex(@"idempotency-key|token_type|tokentype|expires|passive|passage|passenger|compass|bypass", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NotSecretName();

    [GeneratedRegex("""(?<h>["'](?<n>[^"'\\\s]{1,100})["']\s*:\s*["'])(?<v>(?:[^"'\\]|\\.)*)(?<t>["'])""", RegexOptions.CultureInvariant)]
    private static partial Regex JsonMember();

    [GeneratedRegex("""(?<h>\b[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s/:@"'<>]{0,200}:)(?<v>[^\s/@"'<>]{1,500})@""", RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo();

    [GeneratedRegex("""(?<h>(?<![\w-])--?(?<n>[a-zA-Z][\w-]{1,100})[= ]["']?)(?<v>[^\s"'&;<>-][^\s"'&;<>]*)""", RegexOptions.CultureInvariant)]
    private static partial Regex CommandOption();

    [GeneratedRegex("""(?<h>\b(?:name|id)=["']?(?<n>[^"'\s>]{1,100})["']?[^<>]{0,300}?\b(?:value|content)=["']?)(?<v>[^"'<>]*)""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex HtmlField();

    [GeneratedRegex("""(?<![\w.-])(?<n>[\w.\-\[\]]{1,100})=(?<v>[^&\s"'<>;]+)""", RegexOptions.CultureInvariant)]
    private static partial Regex Pair();

    [GeneratedRegex(@"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", RegexOptions.CultureInvariant)]
    private static partial Regex Jwt();

    [GeneratedRegex(@"^.{0,4}…\[\d+:[0-9a-f]{4}\]$", RegexOptions.CultureInvariant)]
    private static partial Regex Masked();

    [GeneratedRegex("""
        ^html:.*?(field|meta)\[(?<n>.*)\](\#\d+)?$ | ^cookie:(?<n>[^=]*)=?(\#\d+)?$ | ^(header|html):[^?]*[?](?<n>[^\#]+)(\#\d+)?$ | ^header:(?<n>[^/?\#]+)
        | \['(?<n>(?:[^'\\]|\\.)*)'\](\[-?\d+\])*(\#\d+)?$ | [.](?<n>[\w-]+)(\[-?\d+\])*(\#\d+)?$
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex LastNameOf();
}
