using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>What goes wrong below a shop that serves: it says so, and what was acknowledged stays.</summary>
public sealed class BadStoreTests
{
    [Fact]
    public async Task A_disk_that_fills_up_refuses_writes_and_loses_none()
    {
        using var folder = new TempFolder();
        var disk = folder.Mount("disk", "size=4m");
        var filler = Path.Combine(disk, "filler");
        var store = $"sqlite:{disk}/shop.db";
        var written = 0;
        await using (var shop = await Host.StartShopAsync(store))
        {
            using var visitor = new Visitor(shop.Url);
            Assert.Equal(200, (await visitor.PostAsync($"/counters/{written++}")).Status);
            Fill(filler);
            Reply refusal;
            while ((refusal = await visitor.PostAsync($"/counters/{written}")).Status == 200) written++;
            Assert.Equal((503, "SS3001", "no"), (refusal.Status, refusal.Code, refusal.Applied));
            Assert.NotNull(refusal.RetryAfter);

            // It goes on reading, it refuses as long as the disk is full, and it writes again once there is room.
            await AssertCountersAsync(visitor, written);
            Assert.Equal(503, (await visitor.PostAsync($"/counters/{written}")).Status);
            File.Delete(filler);
            await Eventually.TrueAsync(async () => (await visitor.PostAsync($"/counters/{written}")).Status == 200, TimeSpan.FromSeconds(20), () => "It does not write again.");
            await AssertCountersAsync(visitor, ++written);
        }
        await using var again = await Host.StartShopAsync(store);
        using var reader = new Visitor(again.Url);
        await AssertCountersAsync(reader, written);
    }

    [Fact]
    public async Task A_row_of_a_newer_shape_is_refused_and_left_untouched()
    {
        using var folder = new TempFolder();
        await using (var newer = await Host.StartCrashHostAsync(folder.Sqlite(), "--Host:CounterShape=2"))
        {
            using var visitor = new Visitor(newer.Url);
            Assert.Equal(200, (await visitor.PostAsync("/counters/a", """{"by":5}""")).Status);
        }
        await using (var shop = await Host.StartShopAsync(folder.Sqlite()))
        {
            using var visitor = new Visitor(shop.Url);
            foreach (var reply in new[] { await visitor.GetAsync("/counters/a"), await visitor.PostAsync("/counters/a"), await visitor.PostAsync("/counters/a", key: "1") })
                Assert.Equal((503, "SS3003", "no"), (reply.Status, reply.Code, reply.Applied));
            Assert.Equal(200, (await visitor.PostAsync("/counters/b")).Status);
        }
        await using var again = await Host.StartCrashHostAsync(folder.Sqlite(), "--Host:CounterShape=2");
        using var reader = new Visitor(again.Url);
        Assert.Equal(5, (int)(await reader.GetAsync("/counters/a")).Json["value"]!);
        // The refused key is free: the newer version does the request.
        Assert.Equal(6, (int)(await reader.PostAsync("/counters/a", key: "1")).Json["value"]!);
    }

    /// <summary>Each was written once, and what was refused was not.</summary>
    private static async Task AssertCountersAsync(Visitor visitor, int written)
    {
        for (var i = 0; i <= written; i++)
            Assert.Equal(i < written ? 1 : 0, (int)(await visitor.GetAsync($"/counters/{i}")).Json["value"]!);
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
            // Full.
        }
    }
}
