using System.Diagnostics;

namespace Stateside.SystemTests.Support;

/// <summary>A folder of one test, gone with it; on request a small file system of its own.</summary>
internal sealed class TempFolder : IDisposable
{
    private readonly List<string> _mounts = [];

    public string Root { get; } = Directory.CreateTempSubdirectory("stateside-").FullName;

    public string File(string name) => Path.Combine(Root, name);

    public string Sqlite(string name = "stateside.db") => "sqlite:" + File(name);

    /// <summary>Mounts a file system in memory.</summary>
    /// <param name="name">The folder in this one.</param>
    /// <param name="options">As <c>mount -o</c> takes them: <c>size=4m</c>, <c>ro</c>.</param>
    public string Mount(string name, string options)
    {
        var at = Directory.CreateDirectory(File(name)).FullName;
        var (code, output) = Run("mount", "-t", "tmpfs", "-o", options, "stateside-test", at);
        Assert.True(code == 0, $"This test needs a file system of its own, and mount refuses (root may mount): {output}");
        _mounts.Add(at);
        return at;
    }

    public void Dispose()
    {
        foreach (var mount in _mounts) Run("umount", "-l", mount);
        Directory.Delete(Root, recursive: true);
    }

    private static (int Code, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var output = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
