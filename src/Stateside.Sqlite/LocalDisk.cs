using System.Text;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>
/// Tells on what kind of file system a file lies. The write-ahead log keeps its index in memory that all processes map,
/// and its locks are those of one kernel; over a network neither holds, and SQLite itself does not notice.
/// </summary>
internal static class LocalDisk
{
    private static readonly string[] s_network =
    [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "orangefs", "pvfs2", "9p", "davfs",
        "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.goofys", "fuse.smbnetfs", "fuse.curlftpfs", "fuse.davfs2", "fuse.juicefs",
    ];

    /// <summary>The type of the file system below a directory, as the system names it; empty where that cannot be told.</summary>
    /// <exception cref="StoreException">It is one of a network.</exception>
    public static string Check(string directory)
    {
        var type = OperatingSystem.IsLinux() ? LinuxType(directory) : OtherType(directory);
        Refuse(directory, type);
        return type;
    }

    /// <exception cref="StoreException">The type is one of a network.</exception>
    public static void Refuse(string directory, string type)
    {
        if (s_network.Contains(type, StringComparer.Ordinal))
            throw new StoreException($"The directory {directory} lies on a network file system ({type}), where SQLite loses data: its write-ahead log needs memory and locks that all processes share, and those work on one machine only. Name a path on a local disk, or use a store that is made for several machines.", Applied.No);
    }

    /// <summary>The type of the mount that holds a path, from the text of <c>/proc/self/mountinfo</c>.</summary>
    public static string TypeOf(string path, string mountInfo)
    {
        var (longest, found) = (-1, "");
        foreach (var line in mountInfo.Split('\n'))
        {
            var separator = line.IndexOf(" - ", StringComparison.Ordinal);
            if (separator < 0 || line[..separator].Split(' ') is not { Length: > 4 } fields) continue;
            var mount = Unescape(fields[4]);
            // Of two mounts on one place the later lies over the earlier.
            if (mount.Length >= longest && IsBelow(path, mount)) (longest, found) = (mount.Length, line[(separator + 3)..].Split(' ')[0]);
        }
        return found;
    }

    /// <summary>The path without links, so that a link onto a network is seen.</summary>
    public static string WithoutLinks(string path, int depth = 0)
    {
        var at = Path.GetPathRoot(path) ?? "";
        foreach (var part in path[at.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            at = Path.Combine(at, part);
            var target = new FileInfo(at).ResolveLinkTarget(returnFinalTarget: true)?.FullName;
            if (target is not null && depth < 40) at = WithoutLinks(target, depth + 1);
        }
        return at;
    }

    private static string LinuxType(string directory)
    {
        try
        {
            return TypeOf(WithoutLinks(directory), File.ReadAllText("/proc/self/mountinfo"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string OtherType(string directory)
    {
        if (OperatingSystem.IsWindows() && directory.StartsWith(@"\\", StringComparison.Ordinal)) return "smbfs";
        try
        {
            var drive = new DriveInfo(directory);
            return drive.DriveType == DriveType.Network ? "nfs" : drive.DriveFormat;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }

    private static bool IsBelow(string path, string mount) =>
        path.StartsWith(mount, StringComparison.Ordinal) && (path.Length == mount.Length || mount.EndsWith('/') || path[mount.Length] == '/');

    /// <summary>Mount points spell space, tab, line feed and backslash as <c>\</c> and three octal digits.</summary>
    private static string Unescape(string text)
    {
        if (!text.Contains('\\')) return text;
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                plain.Append((char)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
                i += 3;
            }
            else plain.Append(text[i]);
        }
        return plain.ToString();
    }
}
