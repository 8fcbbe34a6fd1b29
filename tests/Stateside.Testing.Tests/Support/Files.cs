namespace Stateside.Testing.Tests.Support;

/// <summary>The files of the repository that tests read.</summary>
internal static class Files
{
    public static string Root { get; } = FindRoot();

    public static string Read(params string[] path) => File.ReadAllText(Path.Combine([Root, .. path]));

    private static string FindRoot()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(Path.Combine(at, "Stateside.slnx"))) return at;
        throw new InvalidOperationException("The tests run inside the repository.");
    }
}
