using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Stateside.Cluster;
using Stateside.Places;
using Stateside.Sealing;
using Stateside.States;
using static Stateside.Configuration.ConfigurationEntries;

namespace Stateside.Configuration;

/// <summary>From the section and the declared states to the model. Reads everything and collects every fault; stops at none.</summary>
internal sealed class ConfigurationReader
{
    private readonly IConfiguration _section;
    private readonly IReadOnlyList<StateDefinition> _definitions;
    private readonly List<ConfigurationFault> _faults;

    private ConfigurationReader(IConfiguration section, IReadOnlyList<StateDefinition> definitions, List<ConfigurationFault> faults) =>
        (_section, _definitions, _faults) = (section, definitions, faults);

    /// <summary>Reads the section. The model is complete also when there are faults, with defaults in place of what is wrong.</summary>
    public static StatesideModel Read(IConfiguration section, IReadOnlyList<StateDefinition> definitions, List<ConfigurationFault> faults)
    {
        var reader = new ConfigurationReader(section, definitions, faults);
        reader.CheckDeclarations();
        reader.CheckNames(section, "");
        return reader.ReadModel();
    }

    private void CheckDeclarations()
    {
        foreach (var definition in _definitions)
            if (!KeyText.IsValidName(definition.Name)) _faults.Add(Faults.BadName(definition.Name));
        foreach (var same in _definitions.GroupBy(d => d.Name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
            _faults.Add(Faults.DuplicateName(same.Key, same.Select(d => d.Type.Name)));
        foreach (var same in _definitions.GroupBy(d => d.Type).Where(g => g.Count() > 1))
            _faults.Add(Faults.DuplicateType(same.Key.Name, same.Select(d => d.Name)));
    }

    /// <summary>Finds what stands in the configuration and not in the table. Below an unknown name nothing is looked at: one fault is enough.</summary>
    private void CheckNames(IConfiguration at, string path)
    {
        var known = NamesBelow(path);
        if (at is IConfigurationSection { Value.Length: > 0 } section)
            _faults.Add(Faults.SectionExpected(section.Path, known));
        foreach (var child in at.GetChildren())
        {
            var name = known is [ConfigurationEntry.AnyName]
                ? _definitions.Any(d => string.Equals(d.Name, child.Key, StringComparison.OrdinalIgnoreCase)) ? ConfigurationEntry.AnyName : null
                : known.FirstOrDefault(k => string.Equals(k, child.Key, StringComparison.OrdinalIgnoreCase));
            if (name is null) _faults.Add(Unknown(child, path, known));
            else if (All.Any(e => e.Path == Below(path, name))) CheckIsValue(child);
            else CheckNames(child, Below(path, name));
        }
    }

    private void CheckIsValue(IConfigurationSection entry)
    {
        foreach (var child in entry.GetChildren()) _faults.Add(Faults.ValueExpected(child.Path, entry.Path));
    }

    private ConfigurationFault Unknown(IConfigurationSection child, string path, IReadOnlyList<string> known)
    {
        if (known is [ConfigurationEntry.AnyName]) return Faults.UnknownState(child.Path, child.Key, _definitions.Select(d => d.Name));
        var elsewhere = All.FirstOrDefault(e => !e.Path.Contains(ConfigurationEntry.AnyName, StringComparison.Ordinal)
            && e.Path.EndsWith(":" + child.Key, StringComparison.OrdinalIgnoreCase));
        return Faults.UnknownEntry(child.Path, child.Key, known, elsewhere?.In(_section));
    }

    private StatesideModel ReadModel()
    {
        var store = Store.Read(_section, _faults);
        var assumeDurable = AssumeDurable.Read(_section, _faults);
        var places = new Dictionary<string, Place>();
        var states = new Dictionary<string, StateModel>();
        foreach (var name in _definitions.Select(d => d.Name).Where(KeyText.IsValidName).Distinct())
        {
            places[name] = ReadPlace(name);
            states[name] = new(StateExpires.Read(_section, _faults, name), StateMaxBytes.Read(_section, _faults, name))
            {
                MaxAge = StateMaxAge.Read(_section, _faults, name),
                IsCached = StateCache.Read(_section, _faults, name),
                MigrateFrom = ReadFormerPlace(name, places[name]),
                IsGuarded = StateGuard.Read(_section, _faults, name),
                IsCompressed = StateCompress.Read(_section, _faults, name),
                PadTo = StatePadTo.Read(_section, _faults, name),
                Durability = StateDurability.Read(_section, _faults, name),
            };
        }
        var session = ReadSession();
        return new(store, assumeDurable, session, ReadIdempotency(), ReadLimits(), places)
        {
            States = states, CacheMaxBytes = CacheMaxBytes.Read(_section, _faults), Keys = ReadKeys(session), Node = ReadNode(), Cluster = ReadCluster(places),
        };
    }

    private NodeModel ReadNode() => new(
        Duration(NodeCheckpointEvery), (long)NodeMaxMegabytes.Read(_section, _faults) << 20, Duration(NodeIdleAfter), Duration(NodeWaitFor));

    private ClusterModel ReadCluster(IReadOnlyDictionary<string, Place> places)
    {
        var (name, listen, advertise) = (ClusterName.Read(_section, _faults), ClusterListen.Read(_section, _faults), ClusterAdvertise.Read(_section, _faults));
        var secrets = ClusterSecret.Read(_section, _faults);
        var reached = advertise.Length > 0 ? advertise : listen;
        var colon = reached.LastIndexOf(':');
        return new ClusterModel(
            name, colon < 0 ? "" : reached[..colon].Trim('[', ']'), colon < 0 ? 0 : int.Parse(reached.AsSpan(colon + 1), CultureInfo.InvariantCulture),
            Role.Read(_section, _faults) == ClusterRole.Gateway, Duration(ClusterLease), Agreement(places, secrets))
        {
            Listen = listen.Length == 0 ? null : System.Net.IPEndPoint.Parse(listen), Secrets = secrets,
        };
    }

    /// <summary>What nodes must have configured alike: which states live where, for which application, and the secret between them.</summary>
    private byte[] Agreement(IReadOnlyDictionary<string, Place> places, IReadOnlyList<byte[]> secrets)
    {
        var text = string.Join('\n', places.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}")) + "\n" + Application.Read(_section, []) + "\n" + ClusterLease.Read(_section, []);
        return HMACSHA256.HashData(secrets.Count == 0 ? [] : secrets[0], Encoding.UTF8.GetBytes(text));
    }

    private Place ReadPlace(string name) => StatePlace.Read(_section, _faults, name);

    private Place? ReadFormerPlace(string name, Place place)
    {
        var former = StateMigrateFrom.Read(_section, _faults, name);
        var path = StateMigrateFrom.In(_section, name);
        if (former is { } same && same == place) _faults.Add(Faults.MigratesNowhere(path, same));
        else if (former is Place.Store or Place.Node && place == Place.Client) _faults.Add(Faults.MigratesToClient(path, former.Value));
        else if (former is Place.Store or Place.Node) _faults.Add(Faults.MigratesByItself(path));
        return former;
    }

    private SessionModel ReadSession()
    {
        var model = new SessionModel(
            SessionCookie.Read(_section, _faults), Duration(SessionIdleTimeout), Duration(SessionAbsoluteTimeout), SessionAllowCrossSite.Read(_section, _faults))
        {
            Carrier = SessionCarrier.Read(_section, _faults),
        };
        if (model.IdleTimeout > model.AbsoluteTimeout)
            _faults.Add(Faults.IdleTooLong(SessionIdleTimeout.In(_section), model.IdleTimeout, SessionAbsoluteTimeout.In(_section), model.AbsoluteTimeout));
        return model;
    }

    private KeysModel ReadKeys(SessionModel session) => new(
        Application.Read(_section, _faults), KeysGiven.Read(_section, _faults), Duration(KeysRotateEvery), Duration(KeysRefresh), KeepFor: session.AbsoluteTimeout);

    private IdempotencyModel ReadIdempotency() => new(
        IdempotencyStrict.Read(_section, _faults), Duration(IdempotencyRetention), Duration(IdempotencyClaimLease), IdempotencyMaxStoredBytes.Read(_section, _faults));

    private LimitsModel ReadLimits() => new(
        LimitsMaxTurns.Read(_section, _faults), LimitsMaxQueue.Read(_section, _faults), LimitsMaxRuns.Read(_section, _faults),
        LimitsRequestBytes.Read(_section, _faults), LimitsResponseBytes.Read(_section, _faults))
    {
        ClientBytes = LimitsClientBytes.Read(_section, _faults),
    };

    /// <summary>A duration that has a default, so that there always is one.</summary>
    private TimeSpan Duration(DurationEntry entry) => entry.Read(_section, _faults)!.Value;

    private static string Below(string path, string name) => path.Length == 0 ? name : $"{path}:{name}";
}
