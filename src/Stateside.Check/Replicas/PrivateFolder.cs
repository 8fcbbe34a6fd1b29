namespace Stateside.Check.Replicas;

/// <summary>A temporary folder of this process. A file in it is locked for as long as the process lives, so that a later one can tell what a killed one has left behind.</summary>
internal sealed class PrivateFolder : IDisposable
{
    private const string Prefix = "stateside-check-";
    private const string Owner = "owner.lock";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly DirectoryInfo _folder;
    private readonly FileStream _lock;

    private PrivateFolder(DirectoryInfo folder, FileStream held) => (_folder, _lock) = (folder, held);

    /// <summary>Its path.</summary>
    public string Path => _folder.FullName;

    /// <summary>Makes one.</summary>
    /// <exception cref="ReplicaException">It cannot be made.</exception>
    public static PrivateFolder Create()
    {
        try
        {
            var folder = Directory.CreateTempSubdirectory(Prefix);
            // Locked first and named then: nobody ever sees it unlocked while its process lives.
            var unnamed = System.IO.Path.Combine(folder.FullName, "owner.new");
            var held = new FileStream(unnamed, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            File.Move(unnamed, System.IO.Path.Combine(folder.FullName, Owner));
            return new PrivateFolder(folder, held);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ReplicaException($"no folder can be made in {System.IO.Path.GetTempPath()} for the replicas ({e.Message.TrimEnd('.')}). TMPDIR names another place.", e);
        }
    }

    /// <summary>Removes the folders of processes that are gone. What it cannot tell, or cannot remove, stays.</summary>
    public static void RemoveAbandoned()
    {
        foreach (var folder in new DirectoryInfo(System.IO.Path.GetTempPath()).EnumerateDirectories(Prefix + "*"))
        {
            try
            {
                // Not what others made to be found here: links, and folders that are not closed to others.
                if (folder.LinkTarget is not null || (!OperatingSystem.IsWindows() && folder.UnixFileMode != Private)) continue;
                using (new FileStream(System.IO.Path.Combine(folder.FullName, Owner), FileMode.Open, FileAccess.ReadWrite, FileShare.None)) folder.Delete(recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is in use, or somebody else's, or not of this kind.
            }
        }
    }

    /// <summary>Removes it.</summary>
    public void Dispose()
    {
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What a dying process still writes there goes when the next check begins.
        }
        _lock.Dispose();
    }
}
