namespace Stateside.Check.Reports;

/// <summary>Which lines of two texts are not in both, for showing them side by side.</summary>
internal static class LineDifference
{
    private const int MostLines = 400;

    /// <summary>Each text's lines with whether the line is only there.</summary>
    public static (IReadOnlyList<(string Text, bool IsOnlyHere)> Left, IReadOnlyList<(string Text, bool IsOnlyHere)> Right) Of(string left, string right)
    {
        var (a, b) = (Lines(left), Lines(right));
        // What is longer is shown without marks: the table below grows with the product.
        if (a.Length > MostLines || b.Length > MostLines) return ([.. a.Select(l => (l, false))], [.. b.Select(l => (l, false))]);

        var common = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
            for (var j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);

        var (onlyLeft, onlyRight) = (new bool[a.Length], new bool[b.Length]);
        var (x, y) = (0, 0);
        while (x < a.Length || y < b.Length)
        {
            if (x < a.Length && y < b.Length && a[x] == b[y]) (x, y) = (x + 1, y + 1);
            else if (y == b.Length || (x < a.Length && common[x + 1, y] >= common[x, y + 1])) onlyLeft[x++] = true;
            else onlyRight[y++] = true;
        }
        return ([.. a.Zip(onlyLeft)], [.. b.Zip(onlyRight)]);
    }

    private static string[] Lines(string text) => text.TrimEnd('\n').Split('\n');
}
