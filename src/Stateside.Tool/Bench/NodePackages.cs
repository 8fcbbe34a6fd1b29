namespace Stateside.Tool.Bench;

/// <summary>The programs for Node.js in <c>bench/express</c>, and the packages they need, which npm installs once into the folder of built things.</summary>
internal static class NodePackages
{
    private const string Missing = "Node.js is missing. Install it: apt-get install nodejs npm (Debian, Ubuntu)";

    private static string Folder => Path.Combine(Repository.Root, "artifacts", "express");

    /// <summary>The program, beside its packages: Node.js looks for them from there.</summary>
    public static string Script => Path.Combine(Folder, "server.js");

    /// <summary>Makes sure that the programs can be started: exactly the packages of the committed lock file, none of whose scripts runs.</summary>
    /// <returns>Null, or why they cannot be started.</returns>
    public static async Task<string?> EnsureAsync(CancellationToken cancellationToken)
    {
        if (!LoadGenerator.Has("node") || !LoadGenerator.Has("npm")) return Missing;
        var source = Path.Combine(Repository.Root, "bench", "express");
        Directory.CreateDirectory(Folder);
        foreach (var file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)), overwrite: true);
        var wanted = await File.ReadAllTextAsync(Path.Combine(source, "package-lock.json"), cancellationToken);
        var installed = Path.Combine(Folder, "installed");
        if (File.Exists(installed) && await File.ReadAllTextAsync(installed, cancellationToken) == wanted) return null;
        var (code, _) = await LoadGenerator.RunAsync("npm", ["ci", "--prefix", Folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cancellationToken);
        if (code != 0) return "npm could not install its packages (npm ci in bench/express)";
        await File.WriteAllTextAsync(installed, wanted, cancellationToken);
        return null;
    }
}
