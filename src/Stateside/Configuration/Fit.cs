using Microsoft.Extensions.Configuration;
using Stateside.Places;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Configuration;

/// <summary>
/// Compares what the states need with what their place and the opened store give (docs/configuration.md has the table). In
/// place Store the version compare makes every state current whatever the store, unless a snapshot may be old.
/// </summary>
internal static class Fit
{
    /// <param name="section">The configuration section.</param>
    /// <param name="model">What was read from it.</param>
    /// <param name="definitions">The declared states.</param>
    /// <param name="store">What the store declared when it was opened.</param>
    /// <param name="isConfigured">False if the store came from the service container.</param>
    /// <param name="faults">Takes every unfit pair.</param>
    public static void Check(
        IConfiguration section, StatesideModel model, IReadOnlyList<StateDefinition> definitions, StoreCapabilities store, bool isConfigured, List<ConfigurationFault> faults)
    {
        var source = isConfigured ? ConfigurationEntries.Store.In(section) : "the IStore in the service container";
        var assume = ConfigurationEntries.AssumeDurable.In(section);
        foreach (var definition in definitions)
        {
            var (name, needs) = (definition.Name, definition.Needs);
            if (store.Name == NoStore.Name && (model.Places[name] != Place.Client || model.States[name].IsGuarded))
            {
                faults.Add(Faults.NeedsStore(name, ConfigurationEntries.StatePlace.In(section, name)));
                continue;
            }
            if (model.Places[name] == Place.Client)
            {
                CheckClient(section, model, definition, faults);
                continue;
            }
            if (model.Places[name] == Place.Node) CheckNode(section, model, definition, faults);
            if (needs.HasFlag(Needs.Durable) && !IsDurable(store, model)) faults.Add(Faults.NotDurable(name, store, source, assume));
            if (needs.HasFlag(Needs.Shared) && store.Reach == StoreReach.Process) faults.Add(Faults.NotShared(name, store, source));
            // The owner of a state in memory knows of every change, whatever the store tells.
            if (needs.HasFlag(Needs.Watchable) && model.Places[name] == Place.Store && !store.Watchable) faults.Add(Faults.NotWatchable(name, store, source));
            if (needs.HasFlag(Needs.Current) && model.States[name].MaxAge is not null) faults.Add(Faults.NotCurrent(name, ConfigurationEntries.StateMaxAge.In(section, name)));
            if (model.States[name].MaxBytes > store.MaxBodyBytes)
                faults.Add(Faults.AboveStore(ConfigurationEntries.StateMaxBytes.In(section, name), model.States[name].MaxBytes, store, source));
        }
        if (store.Name == NoStore.Name && definitions.Any(d => model.Places[d.Name] == Place.Client) && model.Keys.Given.Count == 0)
            faults.Add(Faults.NeedsGivenKeys(ConfigurationEntries.KeysGiven.In(section)));
        if (model.Idempotency.MaxStoredBytes > store.MaxBodyBytes)
            faults.Add(Faults.AboveStore(ConfigurationEntries.IdempotencyMaxStoredBytes.In(section), model.Idempotency.MaxStoredBytes, store, source));
    }

    private static void CheckClient(IConfiguration section, StatesideModel model, StateDefinition definition, List<ConfigurationFault> faults)
    {
        var (name, needs) = (definition.Name, definition.Needs);
        var path = ConfigurationEntries.StatePlace.In(section, name);
        if (needs.HasFlag(Needs.Durable)) faults.Add(Faults.ClientNotDurable(name, path));
        if (needs.HasFlag(Needs.Current) && !model.States[name].IsGuarded) faults.Add(Faults.ClientNotCurrent(name, path, ConfigurationEntries.StateGuard.In(section, name)));
        if (needs.HasFlag(Needs.Shared)) faults.Add(Faults.ClientNotShared(name, path));
        if (needs.HasFlag(Needs.Watchable)) faults.Add(Faults.ClientNotWatchable(name, path));
        if (definition.IsFolded) faults.Add(Faults.ClientFolded(name, path));
        if (name == model.Session.CookieName) faults.Add(Faults.ClientNamedAsSession(name, ConfigurationEntries.SessionCookie.In(section)));
    }

    private static void CheckNode(IConfiguration section, StatesideModel model, StateDefinition definition, List<ConfigurationFault> faults)
    {
        var durability = model.States[definition.Name].Durability;
        if (durability == NodeDurability.Commit) return;
        var path = ConfigurationEntries.StateDurability.In(section, definition.Name);
        if (definition.Needs.HasFlag(Needs.Durable)) faults.Add(Faults.NodeNotDurable(definition.Name, path, durability));
        if (definition.IsFolded) faults.Add(Faults.NodeFolded(definition.Name, path, durability));
    }

    private static bool IsDurable(StoreCapabilities store, StatesideModel model) => store.Durability switch
    {
        Durability.Disk or Durability.Replicated => true,
        Durability.Unknown => model.AssumeDurable,
        _ => false,
    };
}
