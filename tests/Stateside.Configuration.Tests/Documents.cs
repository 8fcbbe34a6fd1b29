using System.Text;
using System.Text.Json.Nodes;

namespace Stateside.Configuration.Tests;

/// <summary>The documents that are written from the table of entries and the catalogue of errors.</summary>
internal static class Documents
{
    /// <summary>Set to anything, the tests write the documents anew before they compare them.</summary>
    public const string Regenerate = "STATESIDE_REGENERATE";

    /// <summary>What the first screen of the page shows; a test reads it and holds it against the schema.</summary>
    public const string Example = """
        {
          "Stateside": {
            "Store": "sqlite:shop.db",
            "States": {
              "cart": { "Place": "Store", "Expires": "7.00:00:00" },
              "order": { "MaxBytes": 65536 }
            },
            "Session": { "IdleTimeout": "02:00:00" }
          }
        }
        """;

    private static readonly (string Path, string Title, string Text)[] Sections =
    [
        ("", "The section itself", ""),
        ("States:*", "Each state: `States:<name>`", "`<name>` is the name that the state was declared with. A state without a section has the defaults.\n\n"),
        ("Cache", "The near cache: `Cache`", "How it is used, and what it promises, is told in [caching](caching.md).\n\n"),
        ("Session", "The browser session: `Session`", ""),
        ("Idempotency", "Retries: `Idempotency`", ""),
        ("Limits", "Bounds: `Limits`", "What is beyond a limit is refused, and nothing of it is applied.\n\n"),
        ("Keys", "Keys that seal: `Keys`", "They are of use where states live with clients ([keys](keys.md)).\n\n"),
        ("Node", "States in memory: `Node`", "They are of use where states live on nodes ([clusters](clusters.md)).\n\n"),
        ("Cluster", "This node among the others: `Cluster`", "They are of use where states live on nodes ([clusters](clusters.md)).\n\n"),
    ];

    public static string Root { get; } = FindRoot();

    /// <summary>Compares a document with what it should be; writes it first if that was asked for.</summary>
    public static void AssertIs(string expected, string path)
    {
        var file = Path.Combine(Root, path);
        if (Environment.GetEnvironmentVariable(Regenerate) is { Length: > 0 }) File.WriteAllText(file, expected);
        Assert.Equal(expected, File.ReadAllText(file));
    }

    public static string Configuration()
    {
        var page = new StringBuilder(Head);
        foreach (var (path, title, text) in Sections)
        {
            page.Append($"## {title}\n\n{text}| Entry | Default | Meaning | Value |\n|---|---|---|---|\n");
            foreach (var entry in ConfigurationEntries.All.Where(e => SectionOf(e) == path))
            {
                var ignored = entry.Ignored is null ? "" : $" Ignored when {entry.Ignored}.";
                page.Append($"| `{entry.Path.Split(':')[^1]}` | {(entry.DefaultText is { } text2 ? $"`{text2}`" : "none")} | {Escape(entry.Meaning + ignored)} | {Escape(Sentence(entry.Rule))} |\n");
            }
            page.Append('\n');
        }
        return page.Append(Tail).ToString();
    }

    public static string Schema()
    {
        var properties = new JsonObject();
        foreach (var entry in ConfigurationEntries.All)
        {
            var at = properties;
            foreach (var part in entry.Path.Split(':')[..^1]) at = part == ConfigurationEntry.AnyName ? AnyState(at) : Group(at, part);
            at[entry.Path.Split(':')[^1]] = Value(entry);
        }
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "The section Stateside of appsettings.json",
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["Stateside"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties },
            },
        };
        var options = new System.Text.Json.JsonSerializerOptions
        {
            WriteIndented = true,
            NewLine = "\n",
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        return schema.ToJsonString(options) + "\n";
    }

    public static string ErrorIndex()
    {
        var page = new StringBuilder("""
            # Errors

            Every refusal, failure and fault of Stateside has a code. Over HTTP it is a problem document (RFC 9457) with the status, the
            code, the type `urn:stateside:problem:<name>` and a top-level `applied`: `no` (a retry is safe), `yes`, or `unknown` (only a
            retry with the same `Idempotency-Key`, or a look at the state, can tell). The codes and types never change their meaning.

            """.ReplaceLineEndings("\n"));
        AppendTable(page, "SS1", "SS1nnn: a request", "Answered to the client.");
        AppendTable(page, "SS2", "SS2nnn: configuration and endpoints", "Stop the start, all in one message, so no request was served and nothing was applied.");
        AppendTable(page, "SS3", "SS3nnn: stores and rows", "Answered to the client, and logged for the operator; SS3007 stops the start.");
        AppendTable(page, "SS4", "SS4nnn: the cluster", "SS4003 to SS4006 stop the start; the others are answered to the client.");
        return page.ToString();
    }

    private static void AppendTable(StringBuilder page, string prefix, string title, string text)
    {
        var status = prefix != "SS2";
        page.Append($"\n## {title}\n\n{text}\n\n| Code | {(status ? "Status | " : "")}Type | Title |\n|---|{(status ? "---|" : "")}---|---|\n");
        foreach (var kind in Errors.All.Where(k => k.Code.StartsWith(prefix, StringComparison.Ordinal)))
            page.Append($"| [{kind.Code}]({kind.Code}.md) | {(status ? kind.Status + " | " : "")}`{kind.Name}` | {Escape(kind.Title)} |\n");
    }

    private static JsonObject Group(JsonObject properties, string name)
    {
        if (properties[name] is null)
            properties[name] = name == "States"
                ? new JsonObject { ["type"] = "object" }
                : new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = new JsonObject() };
        return (JsonObject?)properties[name]!["properties"] ?? (JsonObject)properties[name]!;
    }

    private static JsonObject AnyState(JsonObject states)
    {
        states["propertyNames"] ??= new JsonObject { ["pattern"] = $"^[a-z][a-z0-9-]{{0,{KeyText.MaxNameLength - 1}}}$" };
        states["additionalProperties"] ??= new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = new JsonObject() };
        return (JsonObject)states["additionalProperties"]!["properties"]!;
    }

    private static JsonObject Value(ConfigurationEntry entry)
    {
        JsonObject value = entry switch
        {
            FlagEntry flag => new() { ["type"] = "boolean", ["default"] = flag.Default },
            NumberEntry number => new() { ["type"] = "integer", ["default"] = number.Default, ["minimum"] = number.Min, ["maximum"] = number.Max },
            PlaceEntry => new() { ["enum"] = new JsonArray([.. PlaceEntry.Names.Select(n => (JsonNode)n)]), ["default"] = entry.DefaultText },
            DurationEntry { Default: null } => new() { ["type"] = new JsonArray("string", "null"), ["pattern"] = DurationPattern },
            DurationEntry => new() { ["type"] = "string", ["pattern"] = DurationPattern, ["default"] = entry.DefaultText },
            _ => new() { ["type"] = "string", ["default"] = entry.DefaultText },
        };
        value["description"] = $"{entry.Meaning} {Sentence(entry.Rule)}{(entry.Ignored is null ? "" : $" Ignored when {entry.Ignored}.")}";
        return value;
    }

    private const string DurationPattern = @"^(\d+\.)?([01]?\d|2[0-3]):[0-5]?\d(:[0-5]?\d(\.\d{1,7})?)?$";

    private static string SectionOf(ConfigurationEntry entry) => entry.Path.LastIndexOf(':') is var end and >= 0 ? entry.Path[..end] : "";

    private static string Sentence(string rule) => char.ToUpperInvariant(rule[0]) + rule[1..] + ".";

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal).Replace("`", "\\`", StringComparison.Ordinal);

    private static string FindRoot()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Stateside.slnx"))) at = at.Parent;
        return at?.FullName ?? throw new DirectoryNotFoundException("Stateside.slnx is in no directory above the tests.");
    }

    private static readonly string Head = $"""
        <!-- Written from ConfigurationEntries.cs; see the end of the page. -->
        # Configuration

        Everything stands in one section, `Stateside`, of whatever the application reads its configuration from. Every entry has a
        default, so that the section may be empty or missing.

        ```json
        {Example}
        ```

        As environment variables the same entries are `Stateside__Store`, `Stateside__States__cart__Place` and so on. The section is
        read once, when the host starts. Then every fault is told at once, each with a code ([errors](errors/README.md)), its entry, the
        known names and the fix, and the host does not start: an entry that nobody knows is a fault too, because it is mostly a slip of
        the finger.

        For completion in an editor put `"$schema"` with the path of [stateside.schema.json](stateside.schema.json) at the top of
        `appsettings.json`.


        """.ReplaceLineEndings("\n");

    private static readonly string Tail = $"""
        ## Durations

        `12:00:00` is twelve hours, `00:00:30` half a minute, `7.00:00:00` a week. `24:00:00` is refused (a day is `1.00:00:00`), and so
        is a number without a colon, which .NET would take as days.

        ## The store's URL

        | URL | Store | An acknowledged change survives | Seen by |
        |---|---|---|---|
        | `sqlite:PATH` | A file, with group commit | the loss of power | the processes of one machine |
        | `memory:` | The memory of the process, for tests | nothing | this process |

        Other stores are made known with `AddStore`; of two for one scheme the one added last is used. An `IStore` that is registered in
        the service container is used instead of the one that the URL names (for tests); Stateside opens it and leaves its disposal to
        whoever registered it. What the URL holds beyond its scheme is never logged or repeated in an error, as it may be a password.

        ## What a state needs, and what fits

        A state declares in code what it needs (`Needs`). When the store is open, that is compared with what it declares, and each pair
        that does not fit stops the start ([SS2003](errors/SS2003.md)).

        | A state needs | In place `Store`: what the store must give | In place `Client` |
        |---|---|---|
        | `Durable` | It writes to disk, or to several machines, before it answers. A store that cannot tell counts as not durable, unless `AssumeDurable` is set | Not given: the client may drop it |
        | `Current` | Nothing: versions are compared in every commit, so place `Store` is current on every store | Only with `Guard`, since its holder can go back to an older seal |
        | `Shared` | More than this process sees it. A file is shared by the processes of one machine; whether all nodes run on that machine Stateside cannot know, so nodes on several machines need a store on the network | Not given |
        | `Watchable` | It tells of changes by itself (on nodes: nothing, the owner knows of every change) | Not given |

        ## Changing this page

        The page and the schema are written from the table in `src/Stateside/Configuration/ConfigurationEntries.cs`, by which the
        configuration is read too, and a test compares them. After a change of the table:

        ```
        {Regenerate}=1 dotnet test tests/Stateside.Configuration.Tests
        ```

        """.ReplaceLineEndings("\n");
}
