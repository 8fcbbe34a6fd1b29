using System.Text;

namespace Stateside.Check.Scenarios;

/// <summary>Reads scenarios. Files are untrusted: there are limits, and nothing outside the scenario's folder is opened.</summary>
public static class ScenarioFile
{
    private const long MaxHttpBytes = 4 << 20;
    private const long MaxHarBytes = 64 << 20;

    /// <summary>Reads a <c>.http</c> or <c>.rest</c> file (several requests, with <c>###</c> between them) or a <c>.har</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="variables">Values of variables, which replace those of the file.</param>
    /// <param name="corrections">What the user corrects of the correlation, or null.</param>
    /// <exception cref="ScenarioException">It cannot be read; the message names the file, the line and the fix.</exception>
    public static Scenario Read(string path, IReadOnlyDictionary<string, string>? variables = null, Corrections? corrections = null)
    {
        var name = Path.GetFileName(path);
        variables ??= new Dictionary<string, string>();
        corrections ??= Corrections.None;
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".http" or ".rest" => new HttpFileReader(name, Path.GetDirectoryName(Path.GetFullPath(path))!, variables, corrections).Read(Text(path, MaxHttpBytes)),
            ".har" => HarReader.Read(name, Bytes(path, MaxHarBytes), corrections),
            var other => throw new ScenarioException($"{name}: '{other}' is not a scenario; give a .http or .rest file, or a .har that a browser recorded"),
        };
    }

    private static string Text(string path, long limit)
    {
        try { return new UTF8Encoding(false, true).GetString(Bytes(path, limit)).TrimStart('\uFEFF'); }
        catch (ArgumentException) { throw new ScenarioException($"{Path.GetFileName(path)}: is not UTF-8 text; save it as UTF-8"); }
    }

    private static byte[] Bytes(string path, long limit)
    {
        var name = Path.GetFileName(path);
        try
        {
            var file = new FileInfo(path);
            if (Directory.Exists(path)) throw new ScenarioException($"{path}: is a directory; name the .http, .rest or .har file itself");
            if (!file.Exists) throw new ScenarioException($"{path}: there is no such file");
            if (file.Length > limit) throw new ScenarioException($"{name}: is over {limit >> 20} MiB; record less, or remove the responses of images and scripts");
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ScenarioException($"{name}: cannot be read ({e.GetType().Name}); look at its permissions", e);
        }
    }
}
