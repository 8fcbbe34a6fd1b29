namespace Stateside.Tests;

/// <summary>The files of the repository that tests read.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Vectors(string folder) => Path.Combine(Root, "tests", "vectors", folder);

    private static string FindRoot()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(Path.Combine(at, "Stateside.slnx"))) return at;
        throw new InvalidOperationException("The tests run inside the repository.");
    }
}
