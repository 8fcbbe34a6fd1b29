namespace Stateside.Testing.Stores;

/// <summary>One rule that every store keeps, and how it is tried.</summary>
public sealed class ConformanceCase
{
    internal ConformanceCase(string name, HarnessAbilities needs, Func<Scene, Task> body) => (Name, Needs, Body) = (name, needs, body);

    /// <summary>The rule as a sentence; unique.</summary>
    public string Name { get; }

    /// <summary>What the harness must be able to do.</summary>
    public HarnessAbilities Needs { get; }

    internal Func<Scene, Task> Body { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>
/// The rules of <see cref="Stateside.Stores.IStore"/>, each as a case that a store passes or does not. It knows no test framework: a test
/// class names the cases of its harness and runs each of them.
/// </summary>
public static class StoreConformance
{
    /// <summary>All cases.</summary>
    public static IReadOnlyList<ConformanceCase> Cases { get; } =
        [.. RowCases.All, .. CommitCases.All, .. ReceiptCases.All, .. TimeCases.All, .. LimitCases.All, .. ConcurrencyCases.All, .. SequenceCases.All, .. WatchCases.All,
         .. CutCases.All, .. ServerCases.All, .. ProcessCases.All];

    /// <summary>The cases that need no more than the harness can do.</summary>
    public static IEnumerable<ConformanceCase> CasesFor(StoreHarness harness)
    {
        ArgumentNullException.ThrowIfNull(harness);
        return CasesFor(harness.Abilities);
    }

    /// <summary>The cases that need no more than these abilities, for who has no harness at hand when cases are listed.</summary>
    public static IEnumerable<ConformanceCase> CasesFor(HarnessAbilities abilities) => Cases.Where(c => (c.Needs & ~abilities) == 0);

    /// <summary>Tries one case on empty data.</summary>
    /// <param name="name">The <see cref="ConformanceCase.Name"/> of a case.</param>
    /// <param name="harness">The store. It stays open.</param>
    /// <exception cref="StoreConformanceException">The store breaks the rule.</exception>
    /// <exception cref="ArgumentException">There is no such case, or the harness cannot do what it needs.</exception>
    public static async Task RunAsync(string name, StoreHarness harness)
    {
        ArgumentNullException.ThrowIfNull(harness);
        var found = Cases.FirstOrDefault(c => c.Name == name) ?? throw new ArgumentException($"There is no case \"{name}\".", nameof(name));
        var lacking = found.Needs & ~harness.Abilities;
        if (lacking != 0) throw new ArgumentException($"The case needs {lacking}, which the harness cannot do.", nameof(harness));

        await harness.ResetAsync();
        await using var scene = new Scene(name, harness);
        try
        {
            await scene.OpenAsync();
            await found.Body(scene).WaitAsync(Scene.Longest, TimeProvider.System);
        }
        catch (Exception e) when (e is not StoreConformanceException)
        {
            throw scene.Failure("Every verb ends in time, and fails only where the case makes it fail.", "no exception", $"{e.GetType().Name}: {e.Message}", inner: e);
        }
    }
}
