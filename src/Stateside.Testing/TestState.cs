using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Testing;

/// <summary>Makes the states that a handler takes, so that it is called like any function: without a host, a store or JSON.</summary>
public static class TestState
{
    /// <summary>A state that is there.</summary>
    /// <param name="value">Its value.</param>
    /// <param name="id">Its id, as in a URL; empty for the states of a session or a user.</param>
    public static State<T> Of<T>(T value, string id = "") where T : class => new(Definition<T>(null), RowOf(value, id), isNew: false);

    /// <summary>A state that is not there.</summary>
    /// <param name="empty">What was declared as <c>empty</c> for it; null: asking for its value is an error (404 over HTTP).</param>
    /// <param name="id">Its id, as in a URL; empty for the states of a session or a user.</param>
    public static State<T> Absent<T>(T? empty = null, string id = "") where T : class =>
        new(Definition(empty), Row.Absent(Key<T>(id)), isNew: false);

    /// <summary>A state under <c>[NewKey]</c>: it is not there yet, and has an id of its own, another with each call.</summary>
    /// <param name="empty">What was declared as <c>empty</c> for it.</param>
    public static State<T> New<T>(T? empty = null) where T : class =>
        new(Definition(empty), Row.Absent(new StateKey(Group.Unowned(TurnId.New().Value), Name<T>(), TurnId.New().ToString())), isNew: true);

    /// <summary>A folded state. Its events are listed as the handler raises them.</summary>
    /// <param name="value">The state before them.</param>
    /// <param name="raised">The events that the handler has raised so far.</param>
    /// <param name="id">Its id, as in a URL.</param>
    public static State<T> OfFold<T, TEvent>(T value, out IReadOnlyList<TEvent> raised, string id = "")
        where T : class, IFold<T, TEvent>
        where TEvent : notnull
    {
        var events = new List<TEvent>();
        raised = events;
        var definition = new StateDefinition<T>(Name<T>(), NoJson<T>.Info, value, Needs.None, 1)
        {
            EventJson = e =>
            {
                events.Add((TEvent)e);
                return default;
            },
        };
        return new(definition, RowOf(value, id), isNew: false);
    }

    /// <summary>Whether the handler has changed the state, so that a commit would write it.</summary>
    public static bool IsChanged<T>(this State<T> state) where T : class
    {
        ArgumentNullException.ThrowIfNull(state);
        return ((IStateSlot)state).IsChanged;
    }

    internal static StateDefinition<T> Definition<T>(T? empty) where T : class => new(Name<T>(), NoJson<T>.Info, empty, Needs.None, 1);

    internal static Row RowOf<T>(T value, string id) where T : class
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(Key<T>(id), new StateVersion(1, new TurnId(1)), 1, 0, default, null) { Decoded = value };
    }

    internal static StateKey Key<T>(string id) => id.Length == 0 ? new(Group.Session(1), Name<T>()) : StateKey.From(Name<T>(), id);

    private static string Name<T>() => JsonNamingPolicy.KebabCaseLower.ConvertName(typeof(T).Name);

    /// <summary>A JSON contract that is never used: a handler that is called as a function reads and writes nothing.</summary>
    private sealed class NoJson<T> : JsonConverter<T>, IJsonTypeInfoResolver where T : class
    {
        public static JsonTypeInfo<T> Info { get; } = Make();

        public JsonTypeInfo? GetTypeInfo(Type type, JsonSerializerOptions options) => null;

        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw Unused();

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => throw Unused();

        private static JsonTypeInfo<T> Make()
        {
            var none = new NoJson<T>();
            var options = new JsonSerializerOptions { TypeInfoResolver = none, AllowDuplicateProperties = false };
            return JsonMetadataServices.CreateValueInfo<T>(options, none);
        }

        private static NotSupportedException Unused() => new("A state of TestState is never read or written.");
    }
}

/// <summary>Makes the snapshots that a handler takes.</summary>
public static class TestSnapshot
{
    /// <summary>A state that is there.</summary>
    /// <param name="value">Its value.</param>
    /// <param name="id">Its id, as in a URL; empty for the states of a session or a user.</param>
    public static Snapshot<T> Of<T>(T value, string id = "") where T : class => new(TestState.Definition<T>(null), TestState.RowOf(value, id));

    /// <summary>A state that is not there.</summary>
    /// <param name="empty">What was declared as <c>empty</c> for it; null: asking for its value is an error (404 over HTTP).</param>
    /// <param name="id">Its id, as in a URL; empty for the states of a session or a user.</param>
    public static Snapshot<T> Absent<T>(T? empty = null, string id = "") where T : class =>
        new(TestState.Definition(empty), Row.Absent(TestState.Key<T>(id)));
}

/// <summary>Makes the turn that a handler takes.</summary>
public static class TestTurn
{
    /// <summary>When turns of tests begin, unless they say otherwise.</summary>
    public static DateTimeOffset DefaultNow { get; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A turn whose time, ids and random numbers follow from the arguments, always alike.</summary>
    /// <param name="now">When it began; default: <see cref="DefaultNow"/>.</param>
    /// <param name="seed">Another seed gives other ids and numbers.</param>
    /// <param name="run">Which run of the handler it is; 1 or more. All runs of one turn draw the same ids.</param>
    /// <param name="cancellationToken">Fires when the client has gone away.</param>
    public static Turn Create(DateTimeOffset? now = null, int seed = 0, int run = 1, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(run, 1);
        var origin = new TurnSeed(default, (uint)seed, now ?? DefaultNow);
        return new Turn(origin with { Id = new TurnId(origin.Draw(0)) }, run, cancellationToken);
    }
}
