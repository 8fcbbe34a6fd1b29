using System.Collections.Frozen;

namespace Stateside.States;

/// <summary>All declared states, by name and by type.</summary>
internal sealed class StateRegistry(IEnumerable<StateDefinition> definitions)
{
    private readonly FrozenDictionary<string, StateDefinition> _byName = definitions.DistinctBy(d => d.Name).ToFrozenDictionary(d => d.Name);
    private readonly FrozenDictionary<Type, StateDefinition> _byType = definitions.DistinctBy(d => d.Type).ToFrozenDictionary(d => d.Type);

    public IReadOnlyList<StateDefinition> All { get; } = [.. definitions];

    public StateDefinition? Find(string name) => _byName.GetValueOrDefault(name);

    public StateDefinition? Find(Type type) => _byType.GetValueOrDefault(type);
}
