using System.Text;
using System.Text.RegularExpressions;

namespace Stateside.Check.Scenarios;

/// <summary>A piece of a template: literal text, or the expression between <c>{{</c> and <c>}}</c>.</summary>
internal readonly record struct TemplatePart(string Text, bool IsExpression);

/// <summary>Takes templates apart. What is not a closed <c>{{…}}</c> on one line is literal text, so that JSON and minified scripts pass unharmed.</summary>
internal static class Template
{
    /// <summary>The expression that stands for two opening braces, for texts that must contain them.</summary>
    public const string Open = "{{$open}}";

    /// <summary>The parts, in order; joined, with the braces put back, they are the template.</summary>
    public static List<TemplatePart> Parse(string template)
    {
        var parts = new List<TemplatePart>();
        var literal = 0;
        var from = 0;
        while (template.IndexOf("{{", from, StringComparison.Ordinal) is var start and >= 0)
        {
            // Of three braces the last two open: {"a":{{{b}}} is rare, but {{{b}}} must not name a variable "{b".
            while (start + 2 < template.Length && template[start + 2] == '{') start++;
            var end = template.IndexOf("}}", start + 2, StringComparison.Ordinal);
            if (end < 0) break;
            var line = template.IndexOfAny(['\n', '{'], start + 2, end - start - 2);
            if (line >= 0) { from = line; continue; }
            if (start > literal) parts.Add(new(template[literal..start], false));
            parts.Add(new(template[(start + 2)..end].Trim(), true));
            literal = from = end + 2;
        }
        if (literal < template.Length) parts.Add(new(template[literal..], false));
        return parts;
    }

    /// <summary>A template that gives exactly this text.</summary>
    public static string Literal(string text) => text.Contains("{{", StringComparison.Ordinal) ? text.Replace("{{", Open, StringComparison.Ordinal) : text;
}

/// <summary>What an expression names.</summary>
internal enum ExpressionKind { Variable, Dynamic, Response, Request }

/// <summary>An expression, understood.</summary>
/// <param name="Kind">What it names.</param>
/// <param name="Name">The variable, the dynamic function without <c>$</c>, or the named step.</param>
/// <param name="Place">Of a step: the place in its response, or <c>body</c> and <c>header:NAME</c> of its request.</param>
/// <param name="Arguments">Of a dynamic function.</param>
/// <param name="Encodings">What is done to the value, in order: <c>percent</c>, <c>form</c>, <c>json</c>, <c>unpercent</c>, <c>unbase64url</c>.</param>
internal sealed partial record Expression(ExpressionKind Kind, string Name, string Place, IReadOnlyList<string> Arguments, IReadOnlyList<string> Encodings)
{
    private static readonly string[] KnownEncodings = ["percent", "form", "json", "unpercent", "unbase64url"];

    /// <summary>Understands an expression.</summary>
    /// <exception cref="FormatException">It is none; the message says what was expected.</exception>
    public static Expression Parse(string text)
    {
        var encodings = new List<string>();
        while (text.LastIndexOf('|') is var bar and > 0 && KnownEncodings.Contains(text[(bar + 1)..].Trim()))
        {
            encodings.Insert(0, text[(bar + 1)..].Trim());
            text = text[..bar].TrimEnd();
        }
        if (text.StartsWith('$')) return Function(text, encodings);
        if (text.StartsWith('%'))
        {
            encodings.Add("percent");
            text = text[1..].Trim();
        }
        if (StepReference().Match(text) is { Success: true } m)
        {
            var kind = m.Groups[2].Value == "response" ? ExpressionKind.Response : ExpressionKind.Request;
            return new(kind, m.Groups[1].Value, PlaceOf(m.Groups[3].Value, kind), [], encodings);
        }
        return VariableName().IsMatch(text)
            ? new(ExpressionKind.Variable, text, "", [], encodings)
            : throw new FormatException($"'{{{{{text}}}}}' is neither a variable, nor a named request's response, nor a known function; for two literal braces write {Template.Open}");
    }

    private static Expression Function(string text, List<string> encodings)
    {
        // {{$random.integer(1, 6)}} (JetBrains) and {{$randomInt 1 6}} (VS Code) become the same list of words; quoted words may hold spaces.
        var words = Word().Matches(text.Replace('(', ' ').Replace(')', ' ').Replace(',', ' ')).Select(w => w.Groups[1].Success ? w.Groups[1].Value : w.Value).ToList();
        var name = words[0][1..];
        var arguments = words.Skip(1).ToList();
        if (name.StartsWith("env.", StringComparison.Ordinal)) (name, arguments) = ("processEnv", [name[4..]]);
        if (name == "env") name = "processEnv";
        return Dynamics.Refuses(name, arguments) is { } why
            ? throw new FormatException($"'{{{{{text}}}}}' {why}")
            : new(ExpressionKind.Dynamic, name, "", arguments, encodings);
    }

    private static string PlaceOf(string rest, ExpressionKind kind)
    {
        if (rest is "body" or "body.*") return "body";
        if (rest.StartsWith("headers.", StringComparison.Ordinal)) return "header:" + rest["headers.".Length..].Trim().ToLowerInvariant();
        if (rest.StartsWith("body.", StringComparison.Ordinal))
        {
            var path = rest["body.".Length..];
            if (path.StartsWith('/')) throw new FormatException($"'{path}' is an XPath, which is not supported; name a place instead, such as .response.html:form[0].field[csrf]");
            if (!path.StartsWith('$')) path = path.StartsWith('[') ? "$" + path : "$." + path;
            _ = Comparing.JsonPath.Parse(path);
            return "json:" + path;
        }
        if (kind == ExpressionKind.Response && PlaceStart().IsMatch(rest)) return rest;
        throw new FormatException($"'{rest}' is not part of a {(kind == ExpressionKind.Response ? "response" : "request")}: write body.$.name, body or headers.Name");
    }

    [GeneratedRegex("^(json:|html:|header:|cookie:|text:|status$)")]
    private static partial Regex PlaceStart();

    [GeneratedRegex(@"^([\w-]+)\.(response|request)\.(.+)$")]
    private static partial Regex StepReference();

    [GeneratedRegex(@"^[\w][\w.-]*$")]
    private static partial Regex VariableName();

    [GeneratedRegex("""["']([^"']*)["']|[^\s"']+""")]
    private static partial Regex Word();
}
