using System.Text.RegularExpressions;

namespace Stateside.Tests.Style;

/// <summary>A text file of the repository.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    private static readonly string[] Skipped = [".git", "artifacts", "bin", "obj", ".stateside", ".vs", ".idea"];

    /// <summary>All text files, without what is built and without what others wrote.</summary>
    public static SourceFile[] All { get; } = [.. Find(Repository.Root)];

    public static IEnumerable<SourceFile> In(params string[] folders) =>
        All.Where(f => folders.Any(folder => f.Path.StartsWith(folder + "/", StringComparison.Ordinal)));

    public int Lines => Text.Count(c => c == '\n');

    public bool Is(params string[] extensions) => extensions.Contains(System.IO.Path.GetExtension(Path));

    public override string ToString() => Path;

    private static IEnumerable<SourceFile> Find(string folder)
    {
        foreach (var entry in Directory.EnumerateFileSystemEntries(folder))
        {
            var path = System.IO.Path.GetRelativePath(Repository.Root, entry).Replace('\\', '/');
            if (Skipped.Contains(System.IO.Path.GetFileName(entry)) || path == "tests/vectors") continue;
            if (Directory.Exists(entry))
            {
                foreach (var file in Find(entry)) yield return file;
            }
            else if (new FileInfo(entry) is { Exists: true, Length: < 2_000_000 } && File.ReadAllText(entry) is var text && !text.Contains('\0', StringComparison.Ordinal))
                yield return new SourceFile(path, text);
        }
    }
}

/// <summary>A block in braces that is not the body of a namespace or a type: a method, an accessor, a lambda, an initialiser.</summary>
internal sealed partial record CodeBlock(string Header, int Line, int Lines)
{
    /// <summary>Finds the blocks by counting braces; comments and texts are blanked first.</summary>
    public static IEnumerable<CodeBlock> In(string code)
    {
        var plain = NotCode().Replace(code, m => new string([.. m.Value.Select(c => c == '\n' ? '\n' : ' ')]));
        var open = new Stack<(string Header, int Line)>();
        var (line, headerFrom) = (1, 0);
        for (var i = 0; i < plain.Length; i++)
        {
            if (plain[i] == '\n') line++;
            if (plain[i] is not ('{' or '}' or ';')) continue;
            if (plain[i] == '{') open.Push((plain[headerFrom..i].Trim(), line));
            if (plain[i] == '}' && open.TryPop(out var block) && !TypeOrNamespace().IsMatch(block.Header))
                yield return new CodeBlock(block.Header, block.Line, line - block.Line + 1);
            headerFrom = i + 1;
        }
    }

    [GeneratedRegex(""""//[^\n]*|/\*.*?\*/|"{3}.*?"{3}|@"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'"""", RegexOptions.Singleline)]
    private static partial Regex NotCode();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|namespace|record)\s+(?:class\s+|struct\s+)?[A-Za-z_]")]
    private static partial Regex TypeOrNamespace();
}
