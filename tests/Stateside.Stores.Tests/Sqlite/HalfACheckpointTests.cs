using System.Buffers.Binary;

namespace Stateside.Stores.Tests.Sqlite;

public sealed class HalfACheckpointTests
{
    private const int LogHeader = 32;
    private const int FrameHeader = 24;
    private const int PageSize = 4096;

    [Fact]
    public async Task A_file_whose_process_died_in_the_middle_of_a_checkpoint_opens_with_everything_in_it()
    {
        using var directory = new TempDirectory();
        var keys = Enumerable.Range(0, 50).Select(i => new StateKey(Group.Keyed($"{i}"), "cart")).ToList();
        await using (var store = TempDirectory.Store(directory.File()))
        {
            await store.OpenAsync(default);
            foreach (var key in keys)
                await store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [new(key, RowChange.Put, default) { Body = "{}"u8.ToArray() }] }, default);
            CopyAsLeftByKill(directory.File(), directory.File("killed.db"));
        }

        await using var opened = TempDirectory.Store(directory.File("killed.db"));
        await opened.OpenAsync(default);
        Assert.All((await opened.LoadAsync(new LoadRequest(keys), default)).Rows, row => Assert.True(row.Exists));
    }

    /// <summary>What a checkpoint leaves that was killed after the first page: that page already counts pages which the file does not have yet.</summary>
    private static void CopyAsLeftByKill(string from, string to)
    {
        var (file, log) = (ReadAll(from), ReadAll(from + "-wal"));
        for (var frame = LogHeader; frame + FrameHeader + PageSize <= log.Length; frame += FrameHeader + PageSize)
            if (BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(frame)) == 1)
                log.AsSpan(frame + FrameHeader, PageSize).CopyTo(file);
        Assert.True(BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(28)) > file.Length / PageSize);
        File.WriteAllBytes(to, file);
        File.WriteAllBytes(to + "-wal", log);
    }

    private static byte[] ReadAll(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
