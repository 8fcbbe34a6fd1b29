namespace Stateside.Check.Reports;

/// <summary>The report for people and other tools.</summary>
public static class JUnitReport
{
    /// <summary>Writes it.</summary>
    public static void Write(CheckReport report, TextWriter writer) => JsonReport.Write(report, writer);
}
