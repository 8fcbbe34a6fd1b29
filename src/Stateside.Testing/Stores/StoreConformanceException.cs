namespace Stateside.Testing.Stores;

/// <summary>A store breaks a rule.</summary>
public sealed class StoreConformanceException : Exception
{
    internal StoreConformanceException(string name, string rule, string expected, string actual, string? steps = null, Exception? inner = null)
        : base($"{name}\n  rule:     {rule}\n  expected: {Indent(expected)}\n  actual:   {Indent(actual)}{(steps is null ? "" : "\n" + steps)}", inner)
    {
        (CaseName, Rule, Expected, Actual) = (name, rule, expected, actual);
    }

    /// <summary>The case that found it.</summary>
    public string CaseName { get; }

    /// <summary>The rule, in a sentence.</summary>
    public string Rule { get; }

    /// <summary>What a store that keeps the rule answers.</summary>
    public string Expected { get; }

    /// <summary>What this store answered.</summary>
    public string Actual { get; }

    private static string Indent(string text) => text.TrimEnd('\n').Replace("\n", "\n            ", StringComparison.Ordinal);
}
