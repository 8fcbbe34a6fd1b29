using System.Net;

namespace Stateside.Check.Comparing;

/// <summary>What an HTML token is.</summary>
internal enum HtmlTokenKind { Text, Start, End }

/// <summary>A piece of HTML: a run of text (entities decoded), or a tag with its attributes.</summary>
internal readonly record struct HtmlToken(HtmlTokenKind Kind, string Text, IReadOnlyDictionary<string, string> Attributes);

/// <summary>
/// Splits HTML into tokens, as tolerantly as browsers do: whatever the text is, it ends, in linear time. Comments, scripts and styles are passed over.
/// </summary>
internal static class HtmlTokens
{
    private const int MaxAttributes = 200;
    private static readonly Dictionary<string, string> None = [];

    /// <summary>The tokens, in order.</summary>
    public static IEnumerable<HtmlToken> Read(string html)
    {
        var at = 0;
        while (at < html.Length)
        {
            var open = html.IndexOf('<', at);
            if (open < 0 || open + 1 >= html.Length) open = html.Length;
            if (open > at)
            {
                yield return new(HtmlTokenKind.Text, WebUtility.HtmlDecode(html[at..open]), None);
                at = open;
                continue;
            }
            var next = html[at + 1];
            if (next is '!' or '?')
            {
                at = AfterMarkup(html, at);
            }
            else if (next == '/' || char.IsAsciiLetter(next))
            {
                var (name, attributes, end) = Tag(html, next == '/' ? at + 2 : at + 1);
                // A tag that the text ends in is none.
                if (end < 0) yield break;
                at = end;
                if (next == '/') { yield return new(HtmlTokenKind.End, name, None); continue; }
                yield return new(HtmlTokenKind.Start, name, attributes);
                if (name is not ("script" or "style" or "textarea" or "title" or "xmp" or "iframe" or "noembed")) continue;
                // The content of these is text up to their own end tag, whatever it looks like.
                var close = html.IndexOf("</" + name, at, StringComparison.OrdinalIgnoreCase);
                if (close < 0) close = html.Length;
                if (name is "textarea" or "title") yield return new(HtmlTokenKind.Text, WebUtility.HtmlDecode(html[at..close]), None);
                at = close;
            }
            else
            {
                yield return new(HtmlTokenKind.Text, "<", None);
                at++;
            }
        }
    }

    private static int AfterMarkup(string html, int at)
    {
        var comment = html.AsSpan(at).StartsWith("<!--");
        var end = comment ? html.IndexOf("-->", at + 2, StringComparison.Ordinal) : html.IndexOf('>', at);
        return end < 0 ? html.Length : end + (comment ? 3 : 1);
    }

    private static (string Name, IReadOnlyDictionary<string, string> Attributes, int End) Tag(string html, int at)
    {
        var start = at;
        while (at < html.Length && html[at] is not ('>' or '/') && !char.IsWhiteSpace(html[at])) at++;
        var name = html[start..at].ToLowerInvariant();
        Dictionary<string, string>? attributes = null;
        while (at < html.Length && html[at] != '>')
        {
            if (html[at] == '/' || char.IsWhiteSpace(html[at])) { at++; continue; }
            var key = at;
            // A '=' at the front belongs to the name, as browsers see it, so that each round moves on.
            at++;
            while (at < html.Length && html[at] is not ('=' or '>' or '/') && !char.IsWhiteSpace(html[at])) at++;
            var attribute = html[key..at].ToLowerInvariant();
            while (at < html.Length && char.IsWhiteSpace(html[at])) at++;
            var value = "";
            if (at < html.Length && html[at] == '=') (value, at) = Value(html, at + 1);
            attributes ??= [];
            if (attributes.Count < MaxAttributes) attributes.TryAdd(attribute, WebUtility.HtmlDecode(value));
        }
        return (name, attributes ?? None, at < html.Length ? at + 1 : -1);
    }

    private static (string Value, int End) Value(string html, int at)
    {
        while (at < html.Length && char.IsWhiteSpace(html[at])) at++;
        if (at >= html.Length) return ("", at);
        if (html[at] is '"' or '\'')
        {
            var close = html.IndexOf(html[at], at + 1);
            return close < 0 ? ("", html.Length) : (html[(at + 1)..close], close + 1);
        }
        var start = at;
        while (at < html.Length && html[at] != '>' && !char.IsWhiteSpace(html[at])) at++;
        return (html[start..at], at);
    }
}
