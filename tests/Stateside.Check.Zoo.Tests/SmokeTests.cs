using System.Collections.Concurrent;
using Stateside.Check.Reports;

namespace Stateside.Check.Zoo.Tests;

/// <summary>The zoo is real, and its truths are no opinions: shown here in the plainest way, without anything of what <c>check</c> consists of.</summary>
[Collection(nameof(Rig))]
public sealed class SmokeTests(Rig rig)
{
    private const int SideBySide = 4;

    // Where only requests at the same moment, or sent twice, show what is wrong, a walk cannot.
    private static readonly string[] s_shownByParallelRequests = ["node-cart-racy", "flask-counters-racy"];

    [Fact]
    public void Every_service_has_a_name_of_its_own_a_scenario_and_a_truth_of_five_answers()
    {
        Assert.True(Rig.Services.Count >= 34);
        Assert.Equal(Rig.Services.Count, Rig.Services.Select(s => s.Name).Distinct().Count());
        Assert.All(Rig.Services, service =>
        {
            Assert.True(File.Exists(Rig.Scenario(service)), service.Scenario);
            Assert.Equal(5, service.Truth.Answers.Length);
            Assert.NotEmpty(service.Truth.Why);
        });
    }

    [Fact]
    public Task Every_service_starts_and_answers_its_scenario_as_the_file_says() => ForEachAsync(async service =>
    {
        var replicas = await Replica.StartAsync(service, 1, rig);
        await using var replica = replicas[0];
        return [.. await WalkAsync(service, _ => replica), .. await WalkAsync(service, _ => replica)];
    });

    [Fact]
    public Task Spread_over_two_replicas_exactly_those_answer_otherwise_that_need_stickiness() => ForEachAsync(async service =>
    {
        var replicas = await Replica.StartAsync(service, 2, rig);
        await using var first = replicas[0];
        await using var second = replicas[1];
        var faults = new List<string>();
        for (var offset = 0; offset < 2; offset++) faults.AddRange(await WalkAsync(service, step => replicas[(step + offset) % 2]));
        for (var k = Steps(service) - 1; k > 0; k--) faults.AddRange(await WalkAsync(service, step => replicas[step < k ? 0 : 1]));
        var isExpected = service.Truth[Question.Spread] == Outcome.Fails && !s_shownByParallelRequests.Contains(service.Name);
        return isExpected == faults.Count > 0 ? [] : [$"expected faults: {isExpected}", .. faults.Take(8)];
    });

    [Fact]
    public Task Killed_before_any_step_exactly_those_answer_otherwise_whose_state_is_lost() => ForEachAsync(async service =>
    {
        var replicas = await Replica.StartAsync(service, 1, rig);
        await using var replica = replicas[0];
        var faults = new List<string>();
        var steps = Steps(service);
        var isExpected = service.Truth[Question.External] == Outcome.Fails;
        // One loss is enough to show that there is one; that nothing is lost is looked for before every step only in the long run, else in the middle and before the last.
        var all = isExpected || Environment.GetEnvironmentVariable("STATESIDE_LONG") == "1";
        foreach (var k in Enumerable.Range(1, steps - 1).OrderByDescending(k => k == steps / 2 || k == steps - 1).TakeWhile((_, i) => all || i < 2))
        {
            faults.AddRange(await WalkAsync(service, async step =>
            {
                if (step == k) await Replica.RestartAsync(replicas);
                return replica;
            }));
            if (isExpected && faults.Count > 0) break;
        }
        return isExpected == faults.Count > 0 ? [] : [$"expected faults: {isExpected}", .. faults.Take(8)];
    });

    private static int Steps(Service service) => Walk.Steps(Rig.Scenario(service));

    private static Task<List<string>> WalkAsync(Service service, Func<int, Replica> at) => WalkAsync(service, step => Task.FromResult(at(step)));

    private static Task<List<string>> WalkAsync(Service service, Func<int, Task<Replica>> at) => Walk.FaultsAsync(Rig.Scenario(service), async step => (await at(step)).Address);

    private static async Task ForEachAsync(Func<Service, Task<List<string>>> look)
    {
        var faults = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Rig.Services, new ParallelOptions { MaxDegreeOfParallelism = SideBySide }, async (service, _) =>
        {
            if (await look(service) is { Count: > 0 } found) faults.Add($"{service}:\n  {string.Join("\n  ", found)}");
        });
        Assert.True(faults.IsEmpty, string.Join('\n', faults.Order(StringComparer.Ordinal)));
    }
}
