using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Stateside.States;
using Stateside.Stores;

namespace Stateside;

/// <summary>Declares the states of an application, and the stores it can be configured to use.</summary>
public sealed class StatesideBuilder
{
    internal StatesideBuilder(IServiceCollection services, IConfiguration configuration) =>
        (Services, Configuration) = (services, configuration);

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The section <c>Stateside</c>: see docs/configuration.md.</summary>
    public IConfiguration Configuration { get; }

    internal List<StateDefinition> Definitions { get; } = [];

    /// <summary>Called for each state that is declared from now on.</summary>
    internal IStateRegistrar? Registrar { get; set; }

    /// <summary>Declares a state. Wrong and doubled names are found when the host starts, together with all other faults.</summary>
    /// <param name="name">Its name in rows and in configuration, a wire contract: a lower-case letter, then lower-case letters, digits and hyphens; at most 32.</param>
    /// <param name="json">How it is read and written; its own, so that the JSON policy of HTTP can change without unreading rows.</param>
    /// <param name="empty">What a state that is not there is taken to be; null: then its value cannot be asked for (404 over HTTP).</param>
    /// <param name="needs">What it requires of its place.</param>
    /// <param name="shape">The version of the type's shape, from 1; raised with each change that old rows do not fit.</param>
    /// <param name="upgrades">Says how rows of older shapes are read.</param>
    /// <typeparam name="T">An immutable record; one type is one state.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="shape"/> is below 1.</exception>
    public StatesideBuilder AddState<T>(
        string name, JsonTypeInfo<T> json, T? empty = null, Needs needs = Needs.None, int shape = 1, Action<StateShape<T>>? upgrades = null)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(json);
        ArgumentOutOfRangeException.ThrowIfLessThan(shape, 1);
        return Add(new StateDefinition<T>(name, json, empty, needs, shape), upgrades);
    }

    /// <summary>Declares a state that is the sum of its events, which are kept in a journal.</summary>
    /// <param name="name">As for <see cref="AddState"/>.</param>
    /// <param name="json">How the folded state is read and written.</param>
    /// <param name="events">How an event is written and read. Events of older shapes are read as the type is today, so what old ones have stays in it.</param>
    /// <param name="empty">The state before the first event.</param>
    /// <param name="needs">What it requires of its place.</param>
    /// <param name="shape">The version of the shape of state and events, from 1.</param>
    /// <param name="upgrades">Says how rows of older shapes are read.</param>
    /// <typeparam name="T">An immutable record; one type is one state.</typeparam>
    /// <typeparam name="TEvent">The base type of its events.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="shape"/> is below 1.</exception>
    public StatesideBuilder AddFold<T, TEvent>(
        string name, JsonTypeInfo<T> json, JsonTypeInfo<TEvent> events, T empty, Needs needs = Needs.None, int shape = 1, Action<StateShape<T>>? upgrades = null)
        where T : class, IFold<T, TEvent>
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(empty);
        ArgumentOutOfRangeException.ThrowIfLessThan(shape, 1);
        var strict = StrictJson.Of(events);
        var definition = new StateDefinition<T>(name, json, empty, needs, shape)
        {
            EventReader = body => JsonSerializer.Deserialize(body.Span, strict),
            EventJson = e => JsonSerializer.SerializeToUtf8Bytes((TEvent)e, events),
        };
        return Add(definition, upgrades);
    }

    /// <summary>Makes a kind of store known to the entry <c>Stateside:Store</c>. Of two for one scheme the one added last is used.</summary>
    public StatesideBuilder AddStore(IStoreProvider provider)
    {
        ArgumentNullException.ThrowIfNull(provider);
        Services.AddSingleton(provider);
        return this;
    }

    /// <summary>The same for a provider that is made by the application's services, for the sake of its logger: <c>AddStore&lt;RedisStoreProvider&gt;()</c>.</summary>
    /// <typeparam name="TProvider">The provider.</typeparam>
    public StatesideBuilder AddStore<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProvider>() where TProvider : class, IStoreProvider
    {
        Services.AddSingleton<IStoreProvider, TProvider>();
        return this;
    }

    private StatesideBuilder Add<T>(StateDefinition<T> definition, Action<StateShape<T>>? upgrades) where T : class
    {
        upgrades?.Invoke(new StateShape<T>(definition));
        Definitions.Add(definition);
        Registrar?.Register<T>(Services);
        return this;
    }
}

/// <summary>How rows of older shapes of a state are read. A row of a newer shape is refused and left untouched.</summary>
/// <typeparam name="T">The state.</typeparam>
public sealed class StateShape<T> where T : class
{
    private readonly StateDefinition<T> _definition;

    internal StateShape(StateDefinition<T> definition) => _definition = definition;

    /// <summary>Says how a row of an older shape becomes the state of today. It is written in the new shape when a turn next changes it.</summary>
    /// <param name="from">The older shape: 1 or more, and less than the state's own.</param>
    /// <param name="json">How the older shape is read.</param>
    /// <param name="upgrade">A pure function.</param>
    /// <typeparam name="TOld">The type as it was.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="from"/> is no older shape.</exception>
    /// <exception cref="ArgumentException">There is an upgrade from this shape already.</exception>
    public StateShape<T> Upgrade<TOld>(int from, JsonTypeInfo<TOld> json, Func<TOld, T> upgrade)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(upgrade);
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, _definition.Schema);
        _definition.AddUpgrade(from, json, upgrade);
        return this;
    }
}

/// <summary>What a host does with each declared state: its handles become services there.</summary>
internal interface IStateRegistrar
{
    void Register<T>(IServiceCollection services) where T : class;
}
