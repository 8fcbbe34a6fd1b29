using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Crashes;

/// <summary>The process is killed at every step of a turn, started again, and asked again under the same key.</summary>
public abstract class CrashPointTests(CrashScene scene)
{
    private protected CrashScene Scene => scene;

    /// <summary>Each request, each step, and whether a crash there leaves the effect behind.</summary>
    public static TheoryData<string, string, bool> Steps()
    {
        var steps = new TheoryData<string, string, bool>();
        foreach (var request in WritingRequest.Names)
            foreach (var (point, isKept) in new[] { ("BeforeLoad", false), ("AfterLoad", false), ("BeforeCommit", false), ("AfterCommit", true), ("HalfReply", true) })
                steps.Add(request, point, isKept);
        return steps;
    }

    public static TheoryData<string> Requests() => [.. WritingRequest.Names];

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task A_crash_at_any_step_leaves_one_effect_and_one_answer(string name, string point, bool isKept)
    {
        using var visitor = new Visitor(scene.Url);
        var request = await WritingRequest.PrepareAsync(name, visitor);
        await scene.ArmAsync(point);
        var lost = await request.SendAsync(point == "HalfReply" ? scene.Kill : null);
        Assert.False(lost.IsWhole, $"The process answered: {lost}");
        Assert.Equal(point == "HalfReply", lost.Status != 0);
        await CheckAfterCrashAsync(request, lost, isKept);
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_crash_at_any_moment_of_the_commit_leaves_one_effect_and_one_answer(string name)
    {
        for (var round = 0; round < 6; round++)
        {
            using var visitor = new Visitor(scene.Url);
            var request = await WritingRequest.PrepareAsync(name, visitor);
            // From before SQLite has the commit to after it has answered.
            await scene.ArmAsync("WhileCommitting", amount: Random.Shared.Next(1 << (round * 2)));
            var answer = await request.SendAsync();
            if (answer.IsWhole) await Eventually.TrueAsync(() => scene.IsDead, TimeSpan.FromSeconds(10), () => "The process lives.");
            await CheckAfterCrashAsync(request, answer, isKept: null);
        }
    }

    private protected async Task<bool> CheckAfterCrashAsync(WritingRequest request, Reply lost, bool? isKept)
    {
        await scene.RestartAsync();
        var before = await request.CountEffectsAsync();
        if (isKept is { } kept && before is not null) Assert.Equal(kept ? 1 : 0, before);
        bool? wasCommitted = before is null ? isKept : before == 1;

        var retry = await request.SendAsync();
        Assert.True(retry.Status is 200 or 201, $"The retry was refused: {retry}");
        if (wasCommitted is { } committed) Assert.Equal(committed, retry.IsReplay);
        Assert.Equal(1, await request.CountEffectsAsync(retry));
        if (lost.Status != 0)
        {
            Assert.Equal(lost.Status, retry.Status);
            Assert.StartsWith(lost.Body, retry.Body, StringComparison.Ordinal);
            Assert.NotEmpty(lost.Body);
        }

        var again = await request.SendAsync();
        Assert.Equal(retry.Content, again.Content);
        Assert.True(again.IsReplay, "The second retry ran the handler.");
        Assert.Equal(1, await request.CountEffectsAsync(again));
        return retry.IsReplay;
    }
}

public sealed class SqliteCrashTests(SqliteScene scene) : CrashPointTests(scene), IClassFixture<SqliteScene>
{
    /// <summary>The write at which it dies goes up by one until the commit is over before it: so there is none that was left out.</summary>
    [Theory]
    [InlineData("cart", "AfterWrite")]
    [InlineData("orders", "AfterWrite")]
    [InlineData("orders", "TornWrite")]
    public async Task A_crash_at_any_write_of_SQLite_leaves_one_effect_and_one_answer(string name, string point)
    {
        var kept = new List<bool>();
        while (true)
        {
            using var visitor = new Visitor(Scene.Url);
            var request = await WritingRequest.PrepareAsync(name, visitor);
            await Scene.ArmAsync(point, amount: kept.Count + 1);
            var answer = await request.SendAsync();
            if (answer.IsWhole && !Scene.IsDead) break;
            kept.Add(await CheckAfterCrashAsync(request, answer, isKept: null));
            Assert.True(kept.Count < 100, "A commit of a hundred writes is not one that this test was made for.");
        }
        // How many writes a commit takes follows from where its rows fall, so only the first is known to be too early.
        Assert.True(kept.Count >= 3, $"Only {kept.Count} writes were seen.");
        Assert.False(kept[0]);
    }
}

public sealed class RedisCrashTests(RedisScene scene) : CrashPointTests(scene), IClassFixture<RedisScene>;

public sealed class RedisClusterCrashTests(RedisClusterScene scene) : CrashPointTests(scene), IClassFixture<RedisClusterScene>;

public sealed class PostgresCrashTests(PostgresScene scene) : CrashPointTests(scene), IClassFixture<PostgresScene>;
