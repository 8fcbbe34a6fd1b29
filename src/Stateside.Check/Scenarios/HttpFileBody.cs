using System.Text;
using System.Text.RegularExpressions;

namespace Stateside.Check.Scenarios;

/// <summary>The bodies of <c>.http</c> files: text, forms over several lines, multipart, and files of the scenario's own folder.</summary>
internal sealed partial class HttpFileBody(string file, string folder)
{
    private const long MaxFileBytes = 1 << 20;

    /// <summary>Reads the lines after the empty one.</summary>
    public StepBody? Read(List<(string Text, int Line)> lines, List<KeyValuePair<string, string>> headers)
    {
        var count = lines.Count;
        while (count > 0 && lines[count - 1].Text.Trim().Length == 0) count--;
        var first = lines.FindIndex(l => l.Text.Trim().Length > 0);
        if (first < 0 || first >= count) return null;
        var body = lines[first..count];
        var type = headers.Where(h => h.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault() ?? "";
        if (type.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) && !body.Exists(l => FileLine().IsMatch(l.Text)))
            return new(Form(string.Concat(body.Select(l => l.Text.Trim()))), null);
        // The lines of a multipart body end in CRLF, since its boundaries do (RFC 2046, section 5.1.1).
        var ending = type.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) ? "\r\n" : "\n";
        var pieces = new List<StepBody>();
        var text = new StringBuilder();
        for (var i = 0; i < body.Count; i++)
        {
            if (i > 0) text.Append(ending);
            if (FileLine().Match(body[i].Text) is not { Success: true } m) text.Append(body[i].Text);
            else if (Content(m.Groups["path"].Value.Trim(), body[i].Line) is var bytes && m.Groups["at"].Success) text.Append(Encoding.UTF8.GetString(bytes));
            else if (AsText(bytes) is { } plain) text.Append(Template.Literal(plain));
            else
            {
                if (text.Length > 0) pieces.Add(new(text.ToString(), null));
                text.Clear();
                pieces.Add(new(null, bytes));
            }
        }
        if (ending == "\r\n") text.Append(ending);
        if (pieces.Count == 0) return new(text.ToString(), null);
        if (text.Length > 0) pieces.Add(new(text.ToString(), null));
        return pieces.Count == 1 ? pieces[0] : new(null, null) { Pieces = pieces };
    }

    private static string Form(string joined) =>
        string.Join('&', joined.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => string.Join('=', p.Split('=', 2).Select(x => x.Trim()))));

    private byte[] Content(string path, int line)
    {
        var full = Path.GetFullPath(Path.Combine(folder, path));
        if (Path.IsPathRooted(path) || !full.StartsWith(folder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw Fault(line, $"'< {path}' lies outside of the scenario's folder; put the file beside the scenario");
        var info = new FileInfo(full);
        for (FileSystemInfo? at = info; at is not null && at.FullName.Length > folder.Length; at = Directory.GetParent(at.FullName))
            if (at.LinkTarget is not null) throw Fault(line, $"'< {path}' is a link, which may lead out of the scenario's folder; put the file itself there");
        if (!info.Exists) throw Fault(line, $"'< {path}': there is no such file beside the scenario");
        if (info.Length > MaxFileBytes) throw Fault(line, $"'< {path}' is over {MaxFileBytes >> 20} MiB; use a smaller file");
        try { return File.ReadAllBytes(full); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw Fault(line, $"'< {path}' cannot be read; look at its permissions"); }
    }

    private static string? AsText(byte[] bytes)
    {
        try { return new UTF8Encoding(false, true).GetString(bytes); }
        catch (ArgumentException) { return null; }
    }

    private ScenarioException Fault(int line, string what) => new($"{file}:{line}: {what}");

    [GeneratedRegex(@"^<(?<at>@\w*)?\s+(?<path>[^\s{%].*)$")]
    private static partial Regex FileLine();
}
