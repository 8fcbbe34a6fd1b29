using System.Globalization;
using System.Text.RegularExpressions;
using Stateside.Check.Conversations;

namespace Stateside.Check.Scenarios;

/// <summary>
/// The forms of a page's links: their path and parameters with a star for what looks generated, such as <c>/notes/*;do=remove;token=*</c>. A link is found again by its form,
/// since its number changes with whatever else the page links to.
/// </summary>
internal sealed partial class LinkForms
{
    private readonly Dictionary<string, int> _seen = new(StringComparer.Ordinal);

    /// <summary>Whether a value was made by the service for one thing or one visit, and is no route or word.</summary>
    public static bool LooksGenerated(string value) => value.Any(char.IsAsciiDigit) && !Version().IsMatch(value);

    /// <summary>The place of the next link of the page: <c>html:link[FORM]</c>, or <c>html:link[FORM#2]</c> for the second one of the form.</summary>
    public string Next(string url)
    {
        var form = Of(url);
        var number = _seen[form] = _seen.GetValueOrDefault(form) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"html:link[{form}{(number == 1 ? "" : $"#{number}")}]");
    }

    /// <summary>The link of a form, or null.</summary>
    /// <param name="links">The links of a page, in order.</param>
    /// <param name="form">The form, with its number behind <c>#</c> if it is not the first.</param>
    public static string? Find(IEnumerable<string> links, string form)
    {
        var mark = form.LastIndexOf('#');
        if (!int.TryParse(form.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) (number, mark) = (1, form.Length);
        var wanted = Pieces(form[..mark]);
        return links.Where(l => IsOf(Pieces(Plain(l)), wanted)).Skip(number - 1).FirstOrDefault();
    }

    private static string Of(string url) => string.Concat(Pieces(Plain(url)).Select(piece =>
    {
        if (piece.StartsWith('/')) return LooksGenerated(piece) ? "/*" : piece;
        var equals = piece.IndexOf('=');
        return equals > 0 && (LooksGenerated(piece[equals..]) || Correlator.TokenName().IsMatch(piece[1..equals])) ? piece[..(equals + 1)] + "*" : piece;
    }));

    /// <summary>A URL without scheme, host and fragment, as a form is written.</summary>
    private static string Plain(string url)
    {
        var (path, query) = Places.Split(url);
        return Divider().Replace(path, "_") + string.Concat(query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => ";" + Divider().Replace(p, "_")));
    }

    /// <summary>The path's segments and the parameters, each with what divides it from the one before.</summary>
    private static List<string> Pieces(string form) => [.. Piece().Matches(form).Select(m => m.Value)];

    private static bool IsOf(List<string> link, List<string> form)
    {
        if (link.Count != form.Count) return false;
        for (var i = 0; i < form.Count; i++)
        {
            var fits = form[i].EndsWith('*') ? link[i].StartsWith(form[i].AsSpan(0, form[i].Length - 1), StringComparison.Ordinal) : link[i] == form[i];
            if (!fits) return false;
        }
        return true;
    }

    [GeneratedRegex(@"^v\d+(\.\d+)*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Version();

    // What means something in places and forms stands in no piece.
    [GeneratedRegex(@"[;?#*\[\]]")]
    private static partial Regex Divider();

    [GeneratedRegex(@"[/;]?[^/;]+|/")]
    private static partial Regex Piece();
}
