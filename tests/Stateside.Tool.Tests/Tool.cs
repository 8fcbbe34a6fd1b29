namespace Stateside.Tool.Tests;

/// <summary>Runs command lines inside the test's process.</summary>
internal static class Tool
{
    public static async Task<(int ExitCode, string Out, string Error)> RunAsync(string directory, params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(args, new Surroundings(output, TextWriter.Synchronized(error), false, directory, TimeProvider.System), CancellationToken.None);
        return (code, output.ToString(), error.ToString());
    }
}

/// <summary>A directory that goes with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("stateside-").FullName;

    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
