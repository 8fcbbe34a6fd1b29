namespace Stateside.SystemTests.Support;

/// <summary>Where the programs and files are that the tests use.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Month => Path.Combine(Root, "samples", "Shop", "data", "online-retail-2010-12.csv.gz");

    /// <summary>The file that the month was taken from, if it is on this machine: SOURCE.txt beside the month says where it is from.</summary>
    public static string? WholeFile => new[]
    {
        Environment.GetEnvironmentVariable("STATESIDE_RETAIL_FILE"),
        Path.Combine(Root, "..", "shared", "data", "online-retail", "online_retail.csv.gz"),
    }.FirstOrDefault(File.Exists);

    /// <summary>A program of this repository, as built together with these tests.</summary>
    public static string Program(string project)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var path = Path.Combine(Root, "artifacts", "bin", project, configuration, project + ".dll");
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is missing; the build of the tests makes it.");
    }

    private static string FindRoot()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(Path.Combine(at, "Stateside.slnx"))) return at;
        throw new InvalidOperationException("The tests run inside the repository.");
    }
}
