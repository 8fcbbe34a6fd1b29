using System.Text.RegularExpressions;

namespace Stateside.Check.Scenarios;

/// <summary>
/// Reads the <c>.http</c> format of VS Code's REST Client, Visual Studio and JetBrains: what the three have in common, and what each adds where the others do not
/// contradict. GraphQL requests and scripts are not run.
/// </summary>
internal sealed partial class HttpFileReader(string file, string folder, IReadOnlyDictionary<string, string> given, Corrections corrections)
{
    private const int MaxSteps = 2000;

    private readonly Dictionary<string, string> _variables = new(given);
    private readonly Dictionary<string, int> _variableLines = [];
    private readonly HashSet<string> _secrets = [.. given.Keys.Where(Conversations.Masks.IsSecretName)];
    private readonly List<(Step Step, int Line)> _steps = [];
    private readonly List<string> _notices = [];
    private readonly SortedSet<string> _origins = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What is known of a request while its lines are read.</summary>
    private sealed class Draft
    {
        public string? Name;
        public string? Title;
        public bool FollowRedirects = true;
        public bool UsesCookies = true;
        public string? RequestLine;
        public int Line;
        public List<KeyValuePair<string, string>> Headers { get; } = [];
        public List<(string Text, int Line)> Body { get; } = [];
        public bool InBody;
    }

    /// <summary>Reads the text of a file.</summary>
    public Scenario Read(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        // Variables first: a request may use one that is defined further down, as in all three dialects.
        var drafts = Drafts(lines);
        foreach (var draft in drafts) Add(draft);
        if (_steps.Count == 0) throw Fault(1, "there is no request in it; write for instance 'GET /'");
        if (_origins.Count > 1) _notices.Add($"{file} names {_origins.Count} services ({string.Join(", ", _origins)}); all its requests go to the replicas");
        foreach (var name in _variables.Keys.Where(Conversations.Masks.IsSecretName)) _secrets.Add(name);
        var steps = Corrected();
        new HttpFileChecker(file, _variables, _variableLines, corrections).Check(_steps);
        return new(file, steps, _variables, _notices) { SecretVariables = _secrets };
    }

    private List<Draft> Drafts(string[] lines)
    {
        var drafts = new List<Draft>();
        var draft = new Draft();
        var script = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (script) script = !line.Contains("%}", StringComparison.Ordinal);
            else if (line.StartsWith("###", StringComparison.Ordinal))
            {
                drafts.Add(draft);
                draft = new() { Title = line.TrimStart('#').Trim() is { Length: > 0 } title ? title : null };
            }
            // In the body a file is a file, whatever its name ends in; only what comes before the request or handles the response is a script.
            else if (ScriptStart().Match(line) is { Success: true } m && !(draft.InBody && line.StartsWith('<') && m.Groups[1].Value != "{%"))
            {
                script = m.Groups[1].Value == "{%" && !line.Contains("%}", StringComparison.Ordinal);
                _notices.Add($"{file}:{i + 1}: the script is not run; take values with {{{{name.response.body.$.field}}}} instead");
            }
            else if (ResponseFile().IsMatch(line) && draft.RequestLine is not null) _notices.Add($"{file}:{i + 1}: the response is not written to a file");
            else Line(draft, line, i + 1);
        }
        drafts.Add(draft);
        return [.. drafts.Where(d => d.RequestLine is not null)];
    }

    private void Line(Draft draft, string line, int number)
    {
        if (draft.InBody) draft.Body.Add((line, number));
        else if (Comment().Match(line) is { Success: true } comment) Note(draft, comment.Groups[1].Value.Trim(), number);
        else if (draft.RequestLine is null) BeforeRequest(draft, line, number);
        else if (line.Trim().Length == 0) draft.InBody = true;
        else if (draft.Headers.Count == 0 && QueryLine().IsMatch(line)) draft.RequestLine += line.Trim();
        else if (line.IndexOf(':') is var colon and > 0 && line[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            draft.Headers.Add(new(line[..colon], line[(colon + 1)..].Trim()));
        else throw Fault(number, $"'{Short(line)}' is not a header field; write 'Name: value', and an empty line before the body");
    }

    private void BeforeRequest(Draft draft, string line, int number)
    {
        if (line.Trim().Length == 0) return;
        if (Variable().Match(line) is { Success: true } m)
        {
            var name = m.Groups[1].Value;
            if (!given.ContainsKey(name)) (_variables[name], _variableLines[name]) = (m.Groups[2].Value.Trim(), number);
            return;
        }
        if (line.StartsWith('@')) throw Fault(number, $"'{Short(line)}' defines no variable; write '@name = value'");
        (draft.RequestLine, draft.Line) = (line.Trim(), number);
    }

    private void Note(Draft draft, string comment, int number)
    {
        if (Directive().Match(comment) is not { Success: true } m) return;
        var value = m.Groups[2].Value.Trim();
        switch (m.Groups[1].Value.ToLowerInvariant())
        {
            case "name": draft.Name = value.Length > 0 ? value.Split(' ')[0] : throw Fault(number, "@name needs a name, such as '# @name login'"); break;
            case "no-redirect": draft.FollowRedirects = false; break;
            case "no-cookie-jar": draft.UsesCookies = false; break;
            case "secret": _secrets.Add(value); break;
            case "prompt" when !given.ContainsKey(value.Split(' ')[0]):
                throw Fault(number, $"nobody is asked for '{value.Split(' ')[0]}' here; give it with --var {value.Split(' ')[0]}=VALUE");
            case "prompt" or "note" or "no-log" or "no-auto-encoding" or "connection-timeout" or "timeout": break;
            default: _notices.Add($"{file}:{number}: '@{m.Groups[1].Value}' is not known and has no effect"); break;
        }
    }

    private void Add(Draft draft)
    {
        if (_steps.Count == MaxSteps) throw Fault(draft.Line, $"there are over {MaxSteps} requests; split the file");
        var (method, target) = Target(draft);
        var headers = draft.Headers.Where(h => h.Key.ToLowerInvariant() is not ("host" or "content-length" or "connection" or "keep-alive" or "transfer-encoding")).ToList();
        if (method is "WEBSOCKET")
        {
            method = "GET";
            if (!headers.Exists(h => h.Key.Equals("Upgrade", StringComparison.OrdinalIgnoreCase))) headers.Add(new("Upgrade", "websocket"));
        }
        if (method is "GRAPHQL" or "GRPC" || headers.Exists(h => h.Key.Equals("X-Request-Type", StringComparison.OrdinalIgnoreCase)))
            throw Fault(draft.Line, $"{(method == "GRPC" ? "gRPC" : "GraphQL")} requests are not supported; GraphQL can be sent as POST with a JSON body {{\"query\": …}}");
        var number = _steps.Count + 1;
        var path = target.Split('?')[0];
        _steps.Add((new Step
        {
            Number = number,
            // JetBrains names a request by its title; a title that is a sentence cannot be referred to, so that the path says more.
            Name = draft.Name ?? (draft.Title is { } title && Identifier().IsMatch(title) ? title : $"{method} {path}"),
            Method = method,
            Target = target,
            Headers = headers,
            Body = new HttpFileBody(file, folder).Read(draft.Body, headers),
            FollowRedirects = draft.FollowRedirects,
            UsesCookies = draft.UsesCookies,
        }, draft.Line));
    }

    /// <summary>The method and, without scheme, host and port, the target.</summary>
    private (string Method, string Target) Target(Draft draft)
    {
        var line = Version().Replace(draft.RequestLine!, "");
        var method = "GET";
        if (Method().Match(line) is { Success: true } m && (m.Groups[1].Value.All(char.IsAsciiLetterUpper) || KnownMethod().IsMatch(m.Groups[1].Value)))
            (method, line) = (m.Groups[1].Value.ToUpperInvariant(), m.Groups[2].Value.Trim());
        else if (KnownMethod().IsMatch(line))
            throw Fault(draft.Line, $"'{Short(line)}' has no URL; write for instance '{line} /path'");
        // A variable at the front may hold the origin and a part of the path: it is put in, so that the path stays.
        for (var depth = 0; depth < 10 && LeadingVariable().Match(line) is { Success: true } v; depth++)
        {
            if (!_variables.TryGetValue(v.Groups[1].Value, out var value)) break;
            // What is made up in a path is made up once, for all steps that name it: so it stays a variable.
            if (MadeUpPath().Match(value) is { Success: true } madeUp)
            {
                if (madeUp.Groups[1] is { Success: true, Value: var origin }) _origins.Add(origin);
                var name = v.Groups[1].Value + "_below_root";
                _variables[name] = madeUp.Groups[2].Value;
                return (method, Clean($"/{{{{{name}}}}}{v.Groups[2].Value}"));
            }
            line = value + v.Groups[2].Value;
        }
        // A whole URL or path that a response gave (a Location, a link).
        if (OfStep().IsMatch(line)) return (method, line);
        if (line.StartsWith("ws:", StringComparison.OrdinalIgnoreCase) || line.StartsWith("wss:", StringComparison.OrdinalIgnoreCase)) method = "WEBSOCKET";
        var start = line.IndexOf("://", StringComparison.Ordinal) is var scheme and > 0 and < 6 ? scheme + 3 : 0;
        if (start == 0 && line.StartsWith('/')) return (method, Clean(line));
        // The authority ends at the first slash or question mark outside of an expression.
        var end = start;
        for (var inside = false; end < line.Length && (inside || line[end] is not ('/' or '?' or '#')); end++)
            inside = line.AsSpan(end).StartsWith("{{") || (inside && !line.AsSpan(end).StartsWith("}}"));
        var authority = line[start..end];
        if (authority.Length == 0 || authority.Any(char.IsWhiteSpace) && !authority.Contains("{{", StringComparison.Ordinal))
            throw Fault(draft.Line, $"'{Short(draft.RequestLine!)}' is not a request; write 'METHOD URL', such as 'GET /path'");
        if (LeadingVariable().Match(line) is { Success: true } unknown)
        {
            var notice = $"{file}:{draft.Line}: {{{{{unknown.Groups[1].Value}}}}} is not defined, and is taken for the address of the service";
            if (!_notices.Exists(n => n.EndsWith(notice[notice.IndexOf("{{", StringComparison.Ordinal)..], StringComparison.Ordinal))) _notices.Add(notice);
        }
        if (!authority.Contains("{{", StringComparison.Ordinal)) _origins.Add(authority[(authority.LastIndexOf('@') + 1)..]);
        return (method, Clean(line[end..]));
    }

    private static string Clean(string target)
    {
        // A fragment is never sent. Within an expression a '#' does not occur.
        target = target.Split('#')[0];
        return target.StartsWith('/') ? target : "/" + target;
    }

    private List<Step> Corrected()
    {
        var steps = _steps.Select(s => s.Step).ToList();
        foreach (var c in corrections.Correlate)
        {
            if (c.Step > steps.Count) throw new ScenarioException($"{file}: --correlate {c.Name} names step {c.Step}, but there are {steps.Count}");
            var step = steps[c.Step - 1];
            steps[c.Step - 1] = step with { Extractions = [.. step.Extractions, new(c.Name, c.Place, Conversations.Masks.IsSecretName(c.Name))] };
            _notices.Add($"step {c.Step} gives '{c.Name}' ({c.Place}), as asked");
        }
        return steps;
    }

    private ScenarioException Fault(int line, string what) => new($"{file}:{line}: {what}");

    private static string Short(string text) => text.Trim() is { Length: > 60 } t ? t[..60] + "…" : text.Trim();

    [GeneratedRegex(@"^\s*(?:#(?!##)|//)(.*)$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^@([\w-]+)(?:\s+(.*))?$")]
    private static partial Regex Directive();

    [GeneratedRegex(@"^\s*@([\w][\w.-]*)\s*=(.*)$")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^\s*[<>]\s+(\{%|[^\s<]+\.js\s*$)")]
    private static partial Regex ScriptStart();

    [GeneratedRegex(@"^(>>!?\s+\S|<>\s+\S)")]
    private static partial Regex ResponseFile();

    [GeneratedRegex(@"^\s*[?&]|^\s+/")]
    private static partial Regex QueryLine();

    [GeneratedRegex(@"\s+HTTP/\d(\.\d)?(\s*\([^)]*\))?\s*$")]
    private static partial Regex Version();

    [GeneratedRegex(@"^([A-Za-z-]+)\s+(\S.*)$")]
    private static partial Regex Method();

    [GeneratedRegex(@"^(get|head|post|put|patch|delete|options|trace|query|connect|websocket|graphql|grpc)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex KnownMethod();

    [GeneratedRegex(@"^[A-Za-z_][\w-]*$")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"^\{\{\s*([\w][\w.-]*)\s*\}\}(.*)$")]
    private static partial Regex LeadingVariable();

    [GeneratedRegex(@"^(?:https?://([^/{}]+))?/(.*\{\{\$.*)$")]
    private static partial Regex MadeUpPath();

    [GeneratedRegex(@"^\{\{[^{}]*\.(response|request)\.[^{}]*\}\}")]
    private static partial Regex OfStep();
}
