using Stateside.Sqlite;

namespace Stateside.Stores.Tests.Sqlite;

public sealed class LocalDiskTests
{
    private const string MountInfo = """
        22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
        30 22 0:26 / /srv/net rw - nfs4 server:/export rw
        31 22 0:27 / /srv/net/local rw master:7 propagate_from:2 - xfs /dev/vdb rw
        32 22 0:28 / /mnt/two\040words rw - fuse.sshfs me@host:/ rw
        33 22 0:29 / /mnt/twice rw - cifs //host/share rw
        34 22 0:30 / /mnt/twice rw - tmpfs tmpfs rw
        no such line
        """;

    [Theory]
    [InlineData("/", "ext4")]
    [InlineData("/srv/network", "ext4")]
    [InlineData("/srv/net", "nfs4")]
    [InlineData("/srv/net/deep/er", "nfs4")]
    [InlineData("/srv/net/local/x", "xfs")]
    [InlineData("/mnt/two words/x", "fuse.sshfs")]
    [InlineData("/mnt/twice/x", "tmpfs")]
    public void The_innermost_and_latest_mount_says_the_type(string path, string type) => Assert.Equal(type, LocalDisk.TypeOf(path, MountInfo));

    [Theory]
    [InlineData("nfs")]
    [InlineData("nfs4")]
    [InlineData("cifs")]
    [InlineData("smb3")]
    [InlineData("9p")]
    [InlineData("ceph")]
    [InlineData("glusterfs")]
    [InlineData("afs")]
    [InlineData("fuse.sshfs")]
    public void A_network_file_system_is_refused_with_the_reason(string type)
    {
        var refused = Assert.Throws<StoreException>(() => LocalDisk.Refuse("/srv/net", type));
        Assert.Contains($"network file system ({type})", refused.Message, StringComparison.Ordinal);
        Assert.Contains("local disk", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("overlay")]
    [InlineData("tmpfs")]
    [InlineData("")]
    public void A_local_one_is_taken(string type) => LocalDisk.Refuse("/data", type);

    [Fact]
    public void A_link_is_followed_to_where_the_file_really_lies()
    {
        using var directory = new TempDirectory();
        var target = Directory.CreateDirectory(directory.File("target/deep")).FullName;
        Directory.CreateSymbolicLink(directory.File("second"), directory.File("target"));
        Directory.CreateSymbolicLink(directory.File("first"), directory.File("second"));
        Assert.Equal(LocalDisk.WithoutLinks(target), LocalDisk.WithoutLinks(directory.File("first/deep")));
        Assert.Equal(LocalDisk.WithoutLinks(directory.Root), Path.GetDirectoryName(LocalDisk.WithoutLinks(directory.File("first"))));
    }
}
