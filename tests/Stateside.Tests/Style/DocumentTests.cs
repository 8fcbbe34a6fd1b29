using System.Reflection;
using System.Text.RegularExpressions;

namespace Stateside.Tests.Style;

/// <summary>The documents hang together with each other and with the catalogue of errors.</summary>
public partial class DocumentTests
{
    [Fact]
    public void Every_error_has_a_page_and_every_page_an_error()
    {
        var pages = Directory.GetFiles(Path.Combine(Repository.Root, "docs", "errors"), "SS*.md").Select(f => Path.GetFileNameWithoutExtension(f)).Order();
        Assert.Equal(Errors.All.Select(kind => kind.Code).Order(), pages);
        Assert.All(Errors.All, kind => Assert.Contains(kind.Code, File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors", kind.Code + ".md")), StringComparison.Ordinal));
    }

    [Fact]
    public void The_catalogue_lists_every_kind_once()
    {
        var declared = typeof(Errors).Assembly.GetTypes()
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(f => f.FieldType == typeof(ErrorKind)).Select(f => ((ErrorKind)f.GetValue(null)!).Code);
        Assert.Equal(declared.Order(), Errors.All.Select(kind => kind.Code).Order());
        Assert.Distinct(Errors.All.Select(kind => kind.Code));
        Assert.Distinct(Errors.All.Select(kind => kind.Type));
        Assert.All(Errors.All, kind => Assert.Matches("^SS[1234][0-9]{3}$", kind.Code));
    }

    [Fact]
    public void Relative_links_in_documents_lead_somewhere()
    {
        var documents = SourceFile.All.Where(f => f.Is(".md")).ToArray();
        Assert.NotEmpty(documents);
        Assert.Empty(
            from document in documents
            from Match link in Link().Matches(Fenced().Replace(document.Text, ""))
            let target = Uri.UnescapeDataString(link.Groups[1].Value.Split('#')[0])
            where target.Length > 0 && !target.Contains(':', StringComparison.Ordinal)
            let path = Path.Combine(Repository.Root, Path.GetDirectoryName(document.Path)!, target)
            where !File.Exists(path) && !Directory.Exists(path)
            select $"{document}: {target}");
    }

    [GeneratedRegex(@"\]\(<?([^)\s>]+)>?(?:\s+""[^""]*"")?\)")]
    private static partial Regex Link();

    [GeneratedRegex("```.*?```|`[^`\n]*`", RegexOptions.Singleline)]
    private static partial Regex Fenced();
}
