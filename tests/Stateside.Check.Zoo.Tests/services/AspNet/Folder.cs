using System.Text;

namespace Zoo.AspNet;

/// <summary>Texts by name in a folder, each a file: the simplest store that several processes can share.</summary>
internal sealed class Folder(string path)
{
    public string? Get(string name)
    {
        try
        {
            return File.ReadAllText(FileOf(name));
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes beside it and renames, so that a reader sees the old or the new.</summary>
    public void Set(string name, string text)
    {
        Directory.CreateDirectory(path);
        var beside = Path.Combine(path, Guid.NewGuid().ToString("N") + ".new");
        File.WriteAllText(beside, text);
        File.Move(beside, FileOf(name), overwrite: true);
    }

    public void Remove(string name) => File.Delete(FileOf(name));

    public IEnumerable<string> Names() =>
        Directory.Exists(path) ? Directory.GetFiles(path, "*.txt").Select(f => Encoding.UTF8.GetString(Convert.FromHexString(Path.GetFileNameWithoutExtension(f)))) : [];

    private string FileOf(string name) => Path.Combine(path, Convert.ToHexString(Encoding.UTF8.GetBytes(name)) + ".txt");
}
