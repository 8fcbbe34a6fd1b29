using System.CommandLine;
using Stateside.Stores;
using Stateside.Tool.Doctor;

namespace Stateside.Tool;

/// <summary><c>doctor</c>: opens a store, says what it found on it, and what that means for the needs of states.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan s_openWithin = TimeSpan.FromSeconds(30);

    public static Command Create(Surroundings surroundings)
    {
        var store = new Option<string?>("--store") { Description = "The store: sqlite:PATH, redis://HOST:PORT/DB, postgres://USER@HOST:PORT/DB or memory:. Default: sqlite:.stateside/stateside.db, which `up` makes.", HelpName = "URL" };
        var needs = new Option<string?>("--needs") { Description = "What has to be given, else the exit code is 1: Durable, Current, Shared, Watchable, with commas between.", HelpName = "NEEDS" };
        var config = new Option<string?>("--config") { Description = "An application's settings (appsettings.json): the store and AssumeDurable of its section Stateside.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Writes the result as JSON (docs/tool.md)." };
        var command = new Command("doctor", "Grades the durability and the reach of a store, and says which needs of states it meets.") { store, config, needs, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var asked = ParseNeeds(parsed.GetValue(needs));
            var settings = parsed.GetValue(config) is { } file ? ApplicationSettings.Read(Path.GetFullPath(file, surroundings.Directory)) : null;
            var url = StoreUrl.Resolve(parsed.GetValue(store) ?? settings?.Store ?? "sqlite:.stateside/stateside.db", surroundings.Directory);
            var diagnosis = Diagnosis.Of(StoreUrl.Shown(url), await OpenAsync(url, surroundings.Time, cancellationToken), asked, settings?.AssumesDurable ?? false);
            if (parsed.GetValue(json)) diagnosis.WriteJson(surroundings.Out);
            else diagnosis.Write(surroundings);
            return diagnosis.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
        });
        CommandLine.Examples(command,
            "./stateside doctor",
            "./stateside doctor --store sqlite:/var/lib/shop.db --needs Durable,Shared",
            "./stateside doctor --store postgres://shop@127.0.0.1:5432/shop --needs Durable",
            "./stateside doctor --config appsettings.Production.json --needs Durable,Shared",
            "./stateside doctor --store redis://127.0.0.1:6379 --json");
        return command;
    }

    private static async Task<StoreCapabilities> OpenAsync(string url, TimeProvider time, CancellationToken cancellationToken)
    {
        StoreUrl.RequireDatabase(url);
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bound.CancelAfter(s_openWithin);
        try
        {
            await using var store = StoreUrl.Provider(url).Create(url, time);
            return await store.OpenAsync(bound.Token);
        }
        catch (Exception e) when (e is StoreException or FormatException)
        {
            throw new UsageException($"the store cannot be opened: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UsageException($"the store did not open within {s_openWithin.TotalSeconds:0} seconds.");
        }
    }

    private static Needs ParseNeeds(string? text)
    {
        var needs = Needs.None;
        foreach (var word in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            needs |= Enum.TryParse<Needs>(word, ignoreCase: true, out var need) && !char.IsAsciiDigit(word[0]) && word[0] != '-'
                ? need
                : throw new UsageException($"\"{word}\" is not a need. Needs: Durable, Current, Shared, Watchable");
        return needs;
    }
}
