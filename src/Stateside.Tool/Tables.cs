using Spectre.Console;

namespace Stateside.Tool;

/// <summary>Tables: with lines and colour for a person, as plain aligned columns for everything else.</summary>
internal static class Tables
{
    /// <summary>Writes a table.</summary>
    /// <param name="surroundings">Where to.</param>
    /// <param name="header">The heads; one that begins with <c>&gt;</c> marks a column of numbers.</param>
    /// <param name="rows">The cells, as many in each row as there are heads.</param>
    public static void Write(Surroundings surroundings, string[] header, IEnumerable<string[]> rows)
    {
        if (surroundings.IsTerminal) WriteForPerson(surroundings.Out, header, rows);
        else WritePlain(surroundings.Out, header, rows.ToList());
    }

    private static void WriteForPerson(TextWriter output, string[] header, IEnumerable<string[]> rows)
    {
        var table = new Table().RoundedBorder();
        foreach (var head in header)
        {
            var column = new TableColumn(new Text(head.TrimStart('>'), new Style(decoration: Decoration.Bold)));
            table.AddColumn(head.StartsWith('>') ? column.RightAligned() : column);
        }

        foreach (var row in rows) table.AddRow(row.Select(cell => new Text(cell)));
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
    }

    private static void WritePlain(TextWriter output, string[] header, List<string[]> rows)
    {
        var heads = Array.ConvertAll(header, h => h.TrimStart('>'));
        var widths = heads.Select((head, i) => rows.Select(row => row[i].Length).Append(head.Length).Max()).ToArray();
        foreach (var row in rows.Prepend(heads))
            output.WriteLine(string.Join("  ", row.Select((cell, i) => header[i].StartsWith('>') ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]))).TrimEnd());
    }
}
