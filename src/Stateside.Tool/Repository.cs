namespace Stateside.Tool;

/// <summary>Where things are in the repository that this tool was built in.</summary>
internal static class Repository
{
#if DEBUG
    private const string Configuration = "debug";
#else
    private const string Configuration = "release";
#endif

    private static string? s_root;

    /// <summary>The folder that holds <c>Stateside.slnx</c>.</summary>
    public static string Root => s_root ??= FindRoot();

    /// <summary>The built program of a sample, of the configuration this tool was built in.</summary>
    public static string Sample(string name)
    {
        var path = Path.Combine(Root, "artifacts", "bin", name, Configuration, name + ".dll");
        return File.Exists(path)
            ? path
            : throw new UsageException($"The sample {name} is not built ({path} is missing). Start the tool by the script ./stateside, which builds it.");
    }

    /// <summary>The <c>dotnet</c> that runs this tool, so that what it starts runs on the same one.</summary>
    public static string DotNet =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Stateside.slnx"))) return folder;
        throw new UsageException("This tool works inside its repository. Start it by the script ./stateside at the root.");
    }
}
