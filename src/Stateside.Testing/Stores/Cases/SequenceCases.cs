using System.Globalization;
using System.Security.Cryptography;
using Stateside.Stores;

namespace Stateside.Testing.Stores;

/// <summary>Generated sequences of verbs against the model. What fails is shortened before it is shown.</summary>
internal static class SequenceCases
{
    private const int LongestSequence = 50;
    private const int MostShortenings = 300;

    /// <summary>Sequences of one process have numbers of their own, so that none meets what another left.</summary>
    private static int s_numbers;

    public static IEnumerable<ConformanceCase> All =>
    [
        new("Any sequence of verbs is answered as the model answers it", HarnessAbilities.None, s => TryAsync(s, [s.Store])),
        new("Any sequence of verbs from two stores is answered as the model answers it", HarnessAbilities.SecondStore, async s => await TryAsync(s, [s.Store, await s.OpenAnotherAsync()])),
    ];

    private static async Task TryAsync(Scene scene, IStore[] stores)
    {
        for (var tried = 0; tried < scene.Harness.Sequences; tried++)
        {
            var seed = tried == 0 && scene.Harness.Seed is { } given ? given : RandomNumberGenerator.GetInt32(int.MaxValue);
            var random = new Random(seed);
            SequenceStep[] steps = [.. Enumerable.Range(0, random.Next(1, LongestSequence + 1)).Select(_ => new SequenceStep(random.Next(0, 12), random.Next()))];
            if (await FailsAsync(scene, stores, steps) is not { } failed) continue;
            (steps, failed) = await ShortenAsync(scene, stores, steps, failed);
            var how = string.Create(CultureInfo.InvariantCulture, $"  seed {seed}, sequence {tried + 1}, shortened to {steps.Length} steps:\n{failed.Log}");
            throw scene.Failure(failed.Rule, failed.Expected, failed.Actual, how);
        }
    }

    /// <summary>Leaves out, from large pieces to single steps, whatever is not needed to fail.</summary>
    private static async Task<(SequenceStep[] Steps, Failed Failed)> ShortenAsync(Scene scene, IStore[] stores, SequenceStep[] steps, Failed failed)
    {
        var tries = 0;
        for (var piece = steps.Length / 2; piece >= 1; piece /= 2)
            for (var at = 0; at < steps.Length && tries < MostShortenings; tries++)
            {
                SequenceStep[] shorter = [.. steps.Take(at), .. steps.Skip(at + piece)];
                if (await FailsAsync(scene, stores, shorter) is { } still) (steps, failed) = (shorter, still);
                else at += piece;
            }
        return (steps, failed);
    }

    private static async Task<Failed?> FailsAsync(Scene scene, IStore[] stores, SequenceStep[] steps)
    {
        var sequence = new StoreSequence(scene, stores, Interlocked.Increment(ref s_numbers));
        try
        {
            return await sequence.TryAsync(steps) is { } wrong ? new Failed(wrong.Rule, wrong.Expected, wrong.Actual, sequence.Log) : null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new Failed("No verb fails.", "no exception", $"{e.GetType().Name}: {e.Message}", sequence.Log);
        }
    }

    private sealed record Failed(string Rule, string Expected, string Actual, string Log);
}
