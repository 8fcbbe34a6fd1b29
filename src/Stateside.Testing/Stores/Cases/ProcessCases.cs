using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Processes that are killed while they write.</summary>
internal static class ProcessCases
{
    public static IEnumerable<ConformanceCase> All =>
    [
        new("What a killed process acknowledged is there and nothing is half done", HarnessAbilities.Process | HarnessAbilities.SecondStore, KilledAsync),
    ];

    private static async Task KilledAsync(Scene scene)
    {
        var acknowledged = new long[ConformanceProcess.Writers];
        for (var round = 0; round < 4; round++)
        {
            await WriteAndDieAsync(scene, acknowledged);
            // Every other round by a store that was open all the time, and by one that is the first to open what the dead process left.
            var store = scene.Store;
            if (round % 2 == 1)
            {
                await scene.CloseAsync();
                await scene.OpenAsync();
                store = scene.Store;
            }
            for (var writer = 0; writer < acknowledged.Length; writer++)
            {
                var number = await ConformanceProcess.Of(writer).ReadAsync(scene, store);
                if (scene.Capabilities.Durability >= Durability.Process)
                    scene.True(number == acknowledged[writer] || number == acknowledged[writer] + 1, "What was acknowledged is there, and at most one more that was on its way.", $"{acknowledged[writer]} or {acknowledged[writer] + 1}", number);
                acknowledged[writer] = number;
            }
            await Attempt.EventuallyAsync(scene, () => scene.WriteAsync(Key("others"), "write on"));
        }
        scene.True(acknowledged.All(n => n > 0), "Every writer of the process writes.", "every writer", string.Join(' ', acknowledged));
    }

    private static async Task WriteAndDieAsync(Scene scene, long[] acknowledged)
    {
        using var process = scene.Harness.StartProcess();
        try
        {
            for (var left = RandomNumberGenerator.GetInt32(1, 500) + acknowledged.Length; left > 0; left--)
            {
                var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2), TimeProvider.System);
                if (line is null) throw scene.Failure("The process writes until it is killed.", "a number", "it ended by itself: " + await SaidAsync(process));
                Note(acknowledged, line);
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2), TimeProvider.System);
        }
        // What it said before it died is still in the pipe; a last line may be cut.
        var rest = await process.StandardOutput.ReadToEndAsync();
        foreach (var line in rest[..(rest.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries)) Note(acknowledged, line);
    }

    private static async Task<string> SaidAsync(Process process) => process.StartInfo.RedirectStandardError ? await process.StandardError.ReadToEndAsync() : "it said nothing";

    private static void Note(long[] acknowledged, string line)
    {
        var parts = line.Split(' ');
        acknowledged[int.Parse(parts[0], CultureInfo.InvariantCulture)] = long.Parse(parts[1], CultureInfo.InvariantCulture);
    }
}
