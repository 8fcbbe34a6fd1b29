using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Conversations;

/// <summary>Writes one script of curl commands.</summary>
internal sealed partial class CurlScript
{
    private const int MaxBody = 100_000;

    private readonly List<Line> _lines = [];
    private readonly IReadOnlyDictionary<int, string> _before;
    private readonly int _count;
    private readonly IReadOnlyList<Uri>? _replicas;
    private readonly ShellValues _values;
    private readonly CookieJar _jar = new(TimeProvider.System);

    /// <summary>One command: an exchange or a redirect on the way to it.</summary>
    /// <param name="Exchange">What was sent and answered.</param>
    /// <param name="Index">The index of the exchange it belongs to.</param>
    /// <param name="Follows">Whether it follows the redirect of the command before.</param>
    /// <param name="AtOnce">Whether it runs at the same time as others.</param>
    private sealed record Line(Exchange Exchange, int Index, bool Follows, bool AtOnce);

    public CurlScript(IReadOnlyList<Exchange> exchanges, IReadOnlyDictionary<int, string> before, IReadOnlySet<int> atOnce, IReadOnlyList<Uri>? replicas)
    {
        (_before, _count, _replicas) = (before, exchanges.Count, replicas);
        for (var i = 0; i < exchanges.Count; i++)
        {
            var all = exchanges[i].Hops.Append(exchanges[i]).Where(e => e.Request is not null).ToList();
            for (var j = 0; j < all.Count; j++) _lines.Add(new(all[j], i, j > 0, atOnce.Contains(i) || atOnce.Contains(i + 1)));
        }
        _values = new([.. _lines.Select(l => l.Exchange)]);
    }

    /// <summary>The script.</summary>
    /// <param name="expected">What it says last, or null.</param>
    public string Write(string? expected)
    {
        // All commands first: what one takes out of its response is known only from those after it.
        var written = _lines.Select(Command).ToList();
        var commands = new StringBuilder();
        var taken = new StringBuilder();
        for (var i = 0; i < _lines.Count; i++)
        {
            var line = _lines[i];
            if (!line.Follows && _before.TryGetValue(line.Index, out var before)) commands.Append(before).Append('\n');
            commands.Append(CultureInfo.InvariantCulture, $"# Step {line.Exchange.Step.Number}{(line.Follows ? ", its redirect" : "")}: {Comment(line.Exchange.Step.Name)}, at replica {line.Exchange.Replica}\n");
            if (line.Exchange.Step is { IsWebSocket: true, Body: not null }) commands.Append("# (curl cannot send the messages of this WebSocket; websocat or wscat can)\n");
            commands.Append(written[i]).Append(line.AtOnce ? " &\n" : "\n");
            taken.Append(_values.TakenFrom(i));
            var last = i + 1 == _lines.Count || !_lines[i + 1].AtOnce;
            if (line.AtOnce && last) commands.Append("wait\n");
            if (line.AtOnce && !last) continue;
            commands.Append(taken);
            taken.Clear();
        }
        if (_before.TryGetValue(_count, out var after)) commands.Append(after).Append('\n');
        var text = new StringBuilder("(\n# BASE_0 is where replica 0 listens, and so on.\n");
        foreach (var (replica, authority) in _lines.Select(l => (l.Exchange.Replica, (_replicas?[l.Exchange.Replica] ?? l.Exchange.Request!.Url).GetLeftPart(UriPartial.Authority))).Distinct().OrderBy(r => r.Replica).DistinctBy(r => r.Replica))
            text.Append(CultureInfo.InvariantCulture, $"BASE_{replica}={Quote(authority)}\n");
        if (_lines.Count > 0) text.Append("HOST=").Append(Quote(_lines[0].Exchange.Request!.Headers[0].Value)).Append('\n');
        text.Append(_values.Head());
        text.Append("DIR=$(mktemp -d); trap 'rm -rf \"$DIR\"' EXIT; touch \"$DIR/jar\"\n").Append(commands);
        if (_lines.Count > 0) text.Append(CultureInfo.InvariantCulture, $"cat \"$DIR/{_lines.Count}.head\" \"$DIR/{_lines.Count}.body\" 2>/dev/null\n");
        // A body seldom ends its last line.
        if (expected is not null) text.Append("printf '\\n%s\\n' ").Append(Quote(Comment(Reports.Printable.Of(expected)))).Append('\n');
        return text.Append(")\n").ToString();
    }

    private string Command(Line line, int index)
    {
        var request = line.Exchange.Request!;
        var isWebSocket = line.Exchange.Step.IsWebSocket;
        var pipe = "";
        var body = isWebSocket ? "" : Body(request, index, out pipe);
        // curl makes the handshake and hears what comes, but says nothing; it would wait for ever.
        var text = new StringBuilder(pipe).Append(CultureInfo.InvariantCulture, $"curl -sS -m {(isWebSocket ? 2 : 15)} -o \"$DIR/{index + 1}.body\" -D \"$DIR/{index + 1}.head\" -w 'step {line.Exchange.Step.Number} at replica {line.Exchange.Replica}: %{{http_code}}\\n'");
        if (request.Method == "HEAD") text.Append(" -I");
        else if (request.Method != (body.Length > 0 ? "POST" : "GET")) text.Append(" -X ").Append(request.Method);
        text.Append(" -H \"Host: $HOST\"").Append(Cookies(line, index));
        foreach (var (name, value) in request.Headers.Where(h => !h.Key.Equals("Host", StringComparison.OrdinalIgnoreCase) && !h.Key.Equals("Cookie", StringComparison.OrdinalIgnoreCase)))
        {
            if (name.Equals("Accept-Encoding", StringComparison.OrdinalIgnoreCase)) text.Append(" --compressed");
            else if ((name, value) is not ("Accept", "*/*") and not ("User-Agent", "stateside-check")) text.Append(" -H ").Append(Header(request, name, value, index));
        }
        if (body.Length > 0 && !request.Headers.Any(h => h.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))) text.Append(" -H 'Content-Type:'");
        text.Append(body);
        return text.Append(CultureInfo.InvariantCulture, $" --path-as-is -g \"$BASE_{line.Exchange.Replica}\"").Append(Target(line, index)).ToString();
    }

    private string Target(Line line, int index)
    {
        var request = line.Exchange.Request!;
        if (line.Follows) return _values.Redirected(index, request.Url.PathAndQuery);
        var parts = request.Filled?.Target ?? [new(request.Url.PathAndQuery)];
        // A URL out of a response: the replica's own origin takes the place of its origin.
        if (FilledPart.Join(parts).StartsWith("http", StringComparison.OrdinalIgnoreCase)) return $"\"$(printf %s {_values.Shell(parts, index)} | sed 's#^[a-zA-Z]*://[^/]*##')\"";
        if (FilledPart.Join(parts) is [not '/', ..]) return "/" + _values.Shell(parts, index);
        return FilledPart.Join(parts) is var filled && filled.Length > 0 && filled[0] == '/' && filled == request.Url.OriginalString[request.Url.GetLeftPart(UriPartial.Authority).Length..]
            ? _values.Shell(parts, index)
            : _values.Shell([new(request.Url.PathAndQuery)], index);
    }

    private string Header(SentRequest request, string name, string value, int index)
    {
        var parts = request.Filled?.Headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault(p => FilledPart.Join(p) == value) ?? [new(value)];
        if (parts.Any(p => p.Place is not null) || !Masks.Header(name, value).Contains('…', StringComparison.Ordinal)) return _values.Shell([new(name + ": "), .. parts], index);
        var space = name.EndsWith("uthorization", StringComparison.Ordinal) ? value.IndexOf(' ') + 1 : 0;
        return Quote($"{name}: {value[..space]}") + _values.Secret(value[space..], $"the header field {name}");
    }

    private string Body(SentRequest request, int index, out string pipe)
    {
        pipe = "";
        if (request.Body.IsEmpty) return "";
        if (request.Body.Length > MaxBody) return $" --data-binary \"@${{BODY:?name a file with the body of {request.Body.Length} bytes}}\"";
        var type = request.Headers.Where(h => h.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();
        if (Comparing.BodyText.Decode(request.Body.Span, type) is not { } text || text.Contains('\uFFFD', StringComparison.Ordinal))
        {
            pipe = $"printf %s '{Convert.ToBase64String(request.Body.Span)}' | base64 -d | ";
            return " --data-binary @-";
        }
        var parts = request.Filled?.Body is { } filled && FilledPart.Join(filled) == text ? filled : [new(text)];
        return " --data-binary " + _values.Shell(parts, index);
    }

    /// <summary>The jar, if it would send what was sent; else the cookies by hand, taken from the responses that set them.</summary>
    private string Cookies(Line line, int index)
    {
        var request = line.Exchange.Request!;
        var sent = request.Headers.Where(h => h.Key == "Cookie").Select(h => h.Value).FirstOrDefault() ?? "";
        var path = request.Url.AbsolutePath;
        var jars = string.Join("; ", _jar.For(path).Select(c => c.Name.Length > 0 ? $"{c.Name}={c.Value}" : c.Value));
        if (sent != jars) return sent.Length == 0 ? "" : " -H " + Quote("Cookie: ") + _values.Cookies(sent, index);
        var set = line.Exchange.Answer?.Headers.Where(h => h.Key.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value) ?? [];
        if (!line.AtOnce) _jar.Keep(set, path, 0, 0);
        return line.AtOnce ? " -b \"$DIR/jar\"" : " -b \"$DIR/jar\" -c \"$DIR/jar\"";
    }

    private static string Comment(string text) => text.ReplaceLineEndings(" ");

    /// <summary>A text in single quotes, in which the shell finds nothing to do.</summary>
    public static string Quote(string text) => text.Length == 0 ? "''" : SafeWord().IsMatch(text) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    [GeneratedRegex(@"^[\w./:=%+,@-]+$", RegexOptions.ECMAScript)]
    private static partial Regex SafeWord();
}

/// <summary>The values of a script that are not written into it: taken from responses, made anew, or secret.</summary>
internal sealed partial class ShellValues(IReadOnlyList<Exchange> exchanges)
{
    private readonly Dictionary<string, (string Name, string What)> _secrets = [];
    private readonly Dictionary<string, (string Name, string Command)> _made = [];
    private readonly Dictionary<int, List<(string Variable, string Command)>> _taken = [];
    private const int MaxPrefix = 80;
    private const int ShortPrefix = 12;

    private bool _encodes;

    /// <summary>The lines that define secrets, made values and functions.</summary>
    public string Head()
    {
        var text = new StringBuilder();
        foreach (var (name, what) in _secrets.Values) text.Append(CultureInfo.InvariantCulture, $": \"${{{name}:?set {name} to the value of {what}}}\"\n");
        foreach (var (name, command) in _made.Values) text.Append(CultureInfo.InvariantCulture, $"{name}={command}\n");
        if (_encodes) text.Append("encode() { local LC_ALL=C s=$1 o= c i; for ((i = 0; i < ${#s}; i++)); do c=${s:i:1}; case $c in [a-zA-Z0-9._~-]) o+=$c ;; *) printf -v c '%%%02X' \"'$c\"; o+=$c ;; esac; done; printf %s \"$o\"; }\n");
        return text.ToString();
    }

    /// <summary>The lines that take values out of a command's response, once all commands are written.</summary>
    public string TakenFrom(int index) => string.Concat((_taken.GetValueOrDefault(index) ?? []).Select(t => $"{t.Variable}={t.Command}\n"));

    /// <summary>Filled parts as one word of the shell.</summary>
    public string Shell(IReadOnlyList<FilledPart> parts, int index)
    {
        var text = new StringBuilder();
        for (var i = 0; i < parts.Count; i++)
        {
            var literal = new StringBuilder();
            for (; i < parts.Count && parts[i].Source is null; i++) literal.Append(parts[i].Text);
            if (literal.Length > 0) text.Append(Literal(literal.ToString()));
            if (i < parts.Count) text.Append(Shell(parts[i], index));
        }
        return text.Length == 0 ? "''" : text.ToString();
    }

    /// <summary>A secret, which is read from the environment.</summary>
    public string Secret(string value, string what)
    {
        if (!_secrets.TryGetValue(value, out var secret)) _secrets[value] = secret = ($"SECRET_{_secrets.Count + 1}", what);
        return $"\"${secret.Name}\"";
    }

    /// <summary>The cookies of a request, by hand.</summary>
    public string Cookies(string header, int index) => string.Join("'; '", header.Split("; ").Select(pair =>
    {
        var equals = pair.IndexOf('=') + 1;
        return CurlScript.Quote(pair[..equals]) + (Taken($"cookie:{pair[..Math.Max(0, equals - 1)]}=", 0, pair[equals..], index) ?? TakenOfOther(pair[equals..], index) ?? Secret(pair[equals..], $"the cookie {pair[..Math.Max(0, equals - 1)]}"));
    }));

    /// <summary>A cookie that an earlier response set under another name: a replica may call it by its own address.</summary>
    private string? TakenOfOther(string value, int index) => exchanges.Take(index).SelectMany(e => e.Answer?.Headers ?? [])
        .Where(h => h.Key.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)).Select(h => SetCookie.Parse(h.Value, "/")).FirstOrDefault(c => c?.Value == value && value.Length > 0) is { } set
        ? Taken($"cookie:{set.Name}=", 0, value, index)
        : null;

    /// <summary>The path to which the response before led.</summary>
    public string Redirected(int index, string path)
    {
        var location = exchanges[index - 1].Answer?.Header("location") ?? "";
        if (!location.StartsWith('/') && !location.Contains("://", StringComparison.Ordinal)) return CurlScript.Quote(path);
        return $"\"$(sed -n 's/\\r$//; s#^[Ll]ocation: *\\(https*://[^/]*\\)\\{{0,1\\}}\\(/[^\\#]*\\).*#\\2#p' \"$DIR/{index}.head\" | head -n 1)\"";
    }

    private string Shell(FilledPart part, int index)
    {
        if (part.Place is { } place && Taken(place, part.Step, part.Text, index) is { } taken) return taken;
        if (part.Secret || Masks.IsSecretName(part.Source!)) return Secret(part.Text, part.Source!);
        if (Expressions(part) is { } command)
        {
            if (!_made.TryGetValue(part.Text, out var made)) _made[part.Text] = made = ($"made_{_made.Count + 1}", command);
            return $"\"${made.Name}\"";
        }
        return Literal(part.Text);
    }

    private string Literal(string text)
    {
        var names = new List<string>();
        var marked = Masks.Replace(text, (name, value) =>
        {
            names.Add(Secret(value, $"the field {name}"));
            return $"\u0001{names.Count - 1}\u0001";
        });
        return string.Concat(marked.Split('\u0001').Select((piece, i) => i % 2 == 1 ? names[int.Parse(piece, CultureInfo.InvariantCulture)] : piece.Length > 0 ? CurlScript.Quote(piece) : ""));
    }

    /// <summary>The command that makes a value of the same kind, or null.</summary>
    private static string? Expressions(FilledPart part)
    {
        if (part.Source is not ['$', ..]) return null;
        Expression e;
        try { e = Expression.Parse(part.Source); }
        catch (FormatException) { return null; }
        const string Uuid = "cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen";
        return e.Name switch
        {
            "guid" or "uuid" or "random.uuid" => $"$({Uuid})",
            "random.email" => $"$({Uuid})@example.com",
            "random.alphanumeric" or "random.hexadecimal" => string.Create(CultureInfo.InvariantCulture, $"$(od -An -N{part.Text.Length} -tx1 /dev/urandom | tr -d ' \\n' | cut -c1-{part.Text.Length})"),
            "randomInt" or "random.integer" => e.Arguments.Count == 2 ? $"$(({e.Arguments[0]} + (RANDOM * 32768 + RANDOM) % ({e.Arguments[1]} - {e.Arguments[0]})))" : "$((RANDOM % 1000))",
            "timestamp" when e.Arguments.Count == 0 => "$(date +%s)",
            _ => null,
        };
    }

    /// <summary>A variable that holds what an earlier response has at a place, or null where no command could take it out.</summary>
    private string? Taken(string place, int step, string sent, int index)
    {
        for (var i = Math.Min(index, exchanges.Count) - 1; i >= 0; i--)
        {
            var exchange = exchanges[i];
            if ((step != 0 && exchange.Step.Number != step) || Places.Find(exchange with { Hops = [] }, place) is not { Length: > 0 } value) continue;
            string? encoding = sent == value ? "$" : sent == Uri.EscapeDataString(value) ? "encode" : sent == Uri.UnescapeDataString(value) ? "decode" : null;
            if (encoding is null) { if (step == 0) continue; return null; }
            if (Command(exchange, value, place, i) is not { } command) return null;
            var variable = $"v{i + 1}_{NotWord().Replace(Masks.LastName(place), "_")}";
            var list = _taken[i] = _taken.GetValueOrDefault(i) ?? [];
            if (!list.Exists(t => t.Variable == variable)) list.Add((variable, command));
            _encodes |= encoding == "encode";
            return encoding switch { "$" => $"\"${variable}\"", "encode" => $"\"$(encode \"${variable}\")\"", _ => $"\"$(printf %b \"${{{variable}//%/\\\\x}}\")\"" };
        }
        return null;
    }

    /// <summary>
    /// A command that takes a value out of a response by what stands before it on its line, counted in the recorded response: it needs neither jq nor an HTML parser.
    /// </summary>
    private static string? Command(Exchange exchange, string value, string place, int index)
    {
        var ofHead = place.StartsWith("header:", StringComparison.Ordinal) || place.StartsWith("cookie:", StringComparison.Ordinal);
        var text = ofHead
            ? string.Join('\n', exchange.Answer!.Headers.Select(h => $"{h.Key}: {h.Value}"))
            : Comparing.BodyText.Decode(exchange.Answer!.Body.Span, exchange.Answer.Header("content-type"));
        if (text is null) return null;
        text = text.Replace("\r", "", StringComparison.Ordinal);
        // The place that is meant, where the value stands several times: behind its name.
        var name = Masks.LastName(place);
        var named = text.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        var at = named >= 0 && text.IndexOf(value, named, StringComparison.Ordinal) is var behind and >= 0 ? behind : text.IndexOf(value, StringComparison.Ordinal);
        if (at < 0) return null;
        // From the name on, since what stands before it may be another value of that run.
        var start = text.LastIndexOf(name, at, Math.Min(at, MaxPrefix), StringComparison.OrdinalIgnoreCase) is var near and >= 0 ? near : Math.Max(0, at - ShortPrefix);
        for (var i = start; i < at; i++)
            if (text[i] is < ' ' or > '~') start = i + 1;
        var prefix = text[start..at];
        var end = at + value.Length < text.Length ? text[at + value.Length] : '\n';
        var stop = end == '\n' || char.IsAsciiLetterOrDigit(end) || end is '\\' or '^' ? "" : end.ToString();
        if (prefix.Length == 0 || stop.Length > 0 && value.Contains(stop[0], StringComparison.Ordinal)) return null;
        // The same pattern is counted here and there: grep goes on behind what it found.
        var matches = Regex.Matches(text, Regex.Escape(prefix) + (stop.Length > 0 ? $"[^{Regex.Escape(stop).Replace("]", "\\]", StringComparison.Ordinal)}\n]*" : ".*"), ofHead ? RegexOptions.IgnoreCase : RegexOptions.None);
        var count = matches.TakeWhile(m => m.Index < start).Count() + 1;
        if (count > matches.Count || matches[count - 1].Index != start) return null;
        var pattern = Special().Replace(prefix, "\\$0") + (stop.Length > 0 ? $"[^{stop}]*" : ".*");
        var file = $"\"$DIR/{index + 1}.{(ofHead ? "head" : "body")}\"";
        return string.Create(CultureInfo.InvariantCulture, $"$(tr -d '\\r' < {file} | grep -{(ofHead ? "i" : "")}o -e {CurlScript.Quote(pattern)} | sed -n '{count}p' | cut -c{prefix.Length + 1}-)");
    }

    [GeneratedRegex(@"[\\.*\[\]^$]")]
    private static partial Regex Special();

    [GeneratedRegex(@"[^A-Za-z0-9_]+")]
    private static partial Regex NotWord();
}
