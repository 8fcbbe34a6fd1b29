using Stateside.Configuration;
using Stateside.Places;
using Stateside.States;

namespace Stateside.Simulator;

/// <summary>The states of the simulated application, both in the group of the key.</summary>
internal sealed class LedgerStates
{
    private const int MostBytes = 65_536;

    public LedgerStates(Place place, SimulationOptions options)
    {
        Ledger.Configure(place, new StateModel(null, MostBytes) { Durability = options.Durability });
        Notes.Configure(place, new StateModel(options.NotesLife, MostBytes) { Durability = options.Durability });
    }

    public StateDefinition<Ledger> Ledger { get; } = new("ledger", LedgerJson.Default.Ledger, Simulator.Ledger.Empty, Needs.None, schema: 1);

    public StateDefinition<Ledger> Notes { get; } = new("notes", LedgerJson.Default.Ledger, Simulator.Ledger.Empty, Needs.None, schema: 1);

    public StateRegistry ToRegistry() => new([Ledger, Notes]);

    public static StateKey LedgerOf(int key) => new(Group.Keyed($"key-{key}"), "ledger");

    public static StateKey NotesOf(int key) => new(Group.Keyed($"key-{key}"), "notes");
}
