using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.Sealing;
using Stateside.Stores;

namespace Stateside.Tool;

/// <summary><c>keys</c>: shows and changes the keys in a store that seal what clients carry.</summary>
internal static class KeysCommand
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(30);

    public static Command Create(Surroundings surroundings)
    {
        var command = new Command("keys", "Shows and changes the keys that seal what clients carry (docs/keys.md).")
        {
            List(surroundings), Add(surroundings), Rotate(surroundings), Revoke(surroundings),
        };
        CommandLine.Examples(command,
            "./stateside keys list",
            "./stateside keys rotate --store postgres://shop@127.0.0.1:5432/shop",
            "./stateside keys revoke 1f0c9a2e");
        return command;
    }

    private static Command List(Surroundings surroundings)
    {
        var (store, json) = (StoreOption(), new Option<bool>("--json") { Description = "Writes the result as JSON (docs/tool.md)." });
        var command = new Command("list", "Shows the keys: which one seals, which open, and since when. Never a secret.") { store, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var content = await OnRingAsync(parsed.GetValue(store), surroundings, (ring, token) => ring.LoadAsync(token), cancellationToken);
            if (parsed.GetValue(json)) WriteJson(content, surroundings);
            else Write(content, surroundings);
            return ExitCode.Holds;
        });
        return command;
    }

    private static Command Add(Surroundings surroundings)
    {
        var store = StoreOption();
        var refresh = RefreshOption();
        var command = new Command("add", "Adds a key. It opens at once, and seals when every node has had the time to read it.") { store, refresh };
        command.SetAction((parsed, cancellationToken) => ChangeAsync(
            parsed.GetValue(store), c => c.Add(surroundings.Time.GetUtcNow(), Wait(parsed.GetValue(refresh))), surroundings, cancellationToken));
        return command;
    }

    private static Command Rotate(Surroundings surroundings)
    {
        var store = StoreOption();
        var refresh = RefreshOption();
        var now = new Option<bool>("--now") { Description = "Lets it seal at once. A node that has not read it yet looks for it, at most every 5 seconds." };
        var command = new Command("rotate", "Lets another key take over from the one that seals. What was sealed before still opens until it ends.") { store, refresh, now };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(now)) surroundings.Error.WriteLine("stateside keys rotate: warning: with --now a node that has not read the new key yet may refuse what it sealed, for at most 5 seconds.");
            return RotateAsync(parsed, cancellationToken);
        });
        return command;

        Task<int> RotateAsync(ParseResult parsed, CancellationToken cancellationToken) => ChangeAsync(
            parsed.GetValue(store), c => c.Add(surroundings.Time.GetUtcNow(), parsed.GetValue(now) ? TimeSpan.Zero : Wait(parsed.GetValue(refresh))), surroundings, cancellationToken);
    }

    private static Command Revoke(Surroundings surroundings)
    {
        var store = StoreOption();
        var id = new Argument<string>("ID") { Description = "The key's id, as `list` shows it." };
        var command = new Command("revoke", "Forgets the secret of a key: what was sealed with it is refused, on every node within Keys:Refresh.") { id, store };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var given = parsed.GetValue(id)!;
            var now = surroundings.Time.GetUtcNow();
            return await ChangeAsync(parsed.GetValue(store), c => Known(c, given).Revoke(given, now), surroundings, cancellationToken);
        });
        return command;
    }

    private static Option<string> StoreOption() => new("--store")
    {
        Description = "The store: sqlite:PATH, redis://HOST:PORT/DB or postgres://USER@HOST:PORT/DB.",
        DefaultValueFactory = _ => "sqlite:.stateside/stateside.db",
        HelpName = "URL",
    };

    private static Option<int> RefreshOption() => new("--refresh")
    {
        Description = "Keys:Refresh of the nodes, in seconds, 1 to 3600; the key seals after twice that.",
        DefaultValueFactory = _ => 30,
        HelpName = "S",
    };

    private static TimeSpan Wait(int refresh) => refresh is >= 1 and <= 3600
        ? TimeSpan.FromSeconds(2 * refresh)
        : throw new UsageException($"--refresh {refresh} is out of range. Seconds from 1 to 3600.");

    private static RingContent Known(RingContent content, string id)
    {
        if (!content.Keys.Any(k => k.Id == id))
            throw new UsageException($"There is no key \"{(SealKeyId.TryParse(id, out _) ? id : "…")}\". Keys: {(content.Keys.IsEmpty ? "none" : string.Join(", ", content.Keys.Select(k => k.Id)))}");
        return content;
    }

    private static async Task<int> ChangeAsync(string? url, Func<RingContent, RingContent> change, Surroundings surroundings, CancellationToken cancellationToken)
    {
        Write(await OnRingAsync(url, surroundings, (ring, token) => ring.ChangeAsync(change, token), cancellationToken), surroundings);
        return ExitCode.Holds;
    }

    private static async Task<RingContent> OnRingAsync(
        string? given, Surroundings surroundings, Func<KeyRingStore, CancellationToken, ValueTask<RingContent>> use, CancellationToken cancellationToken)
    {
        var url = StoreUrl.Resolve(given!, surroundings.Directory);
        if (StoreUrl.Scheme(url) == "memory") throw new UsageException("memory: is the memory of one process, and its keys end with that: there is nothing to show. Name the store of the nodes with --store URL.");
        StoreUrl.RequireDatabase(url);
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bound.CancelAfter(s_within);
        try
        {
            await using var store = StoreUrl.Provider(url).Create(url, surroundings.Time);
            await store.OpenAsync(bound.Token);
            return await use(new KeyRingStore(store), bound.Token);
        }
        catch (Exception e) when (e is StoreException or StatesideException)
        {
            throw new UsageException($"the keys cannot be read or changed: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UsageException($"the store did not answer within {s_within.TotalSeconds:0} seconds.");
        }
    }

    private static void Write(RingContent content, Surroundings surroundings)
    {
        if (content.Keys.IsEmpty)
        {
            surroundings.Out.WriteLine("There are no keys: the first node that serves a state of a client makes one.");
            return;
        }
        var now = surroundings.Time.GetUtcNow();
        Tables.Write(surroundings, ["key", "does", "made", "seals from", "sealed until"],
            content.Keys.Select((k, i) => (string[])[k.Id, Does(content, i, now), Time(k.Created), Time(k.SealsFrom), content.Retired(i) is { } end ? Time(end) : ""]));
    }

    private static void WriteJson(RingContent content, Surroundings surroundings)
    {
        var now = surroundings.Time.GetUtcNow();
        var keys = content.Keys.Select((k, i) => new ReportedKey(k.Id, Does(content, i, now), k.Created, k.SealsFrom, content.Retired(i), k.Revoked)).ToArray();
        surroundings.Out.WriteLine(JsonSerializer.Serialize(new ReportedKeys(keys), KeysJson.Default.ReportedKeys));
    }

    private static string Does(RingContent content, int index, DateTimeOffset now)
    {
        var key = content.Keys[index];
        if (key.Revoked is not null) return "nothing";
        if (content.Active(now) == key) return "seals";
        return key.SealsFrom > now ? "waits" : "opens";
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>A key as <c>keys list --json</c> tells it (docs/tool.md).</summary>
internal sealed record ReportedKey(string Id, string Does, DateTimeOffset Created, DateTimeOffset SealsFrom, DateTimeOffset? SealedUntil, DateTimeOffset? Revoked);

internal sealed record ReportedKeys(IReadOnlyList<ReportedKey> Keys);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ReportedKeys))]
internal sealed partial class KeysJson : JsonSerializerContext;
