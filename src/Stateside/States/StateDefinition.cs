using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Stateside.Configuration;
using Stateside.Places;
using Stateside.Stores;

namespace Stateside.States;

/// <summary>One declared state: its name, its shape and how it is read and written. Built once, at start-up.</summary>
internal abstract class StateDefinition(string name, Type type, Needs needs, int schema)
{
    public string Name { get; } = name;

    public Type Type { get; } = type;

    public Needs Needs { get; } = needs;

    /// <summary>The version of the shape that this code writes.</summary>
    public int Schema { get; } = schema;

    public abstract bool IsFolded { get; }

    /// <summary>Whether a state that is not there has a value nevertheless.</summary>
    public abstract bool HasEmpty { get; }

    /// <summary>The time to live of each write; null: it stays. Set from configuration before the first turn.</summary>
    public TimeSpan? TimeToLive { get; set; }

    /// <summary>Most bytes of JSON. Set from configuration before the first turn.</summary>
    public int MaxBytes { get; set; } = int.MaxValue;

    /// <summary>How old what a snapshot shows may be; null: it is loaded. Set from configuration before the first turn.</summary>
    public TimeSpan? MaxAge { get; set; }

    /// <summary>Whether turns may run on the row that this process saw last, which their commit then checks. Set from configuration before the first turn.</summary>
    public bool IsCached { get; set; }

    /// <summary>Where it lives. Set from configuration before the first turn.</summary>
    public Place Place { get; private set; } = Place.Store;

    /// <summary>In place Node: what an acknowledged change survives.</summary>
    public NodeDurability Durability { get; private set; }

    /// <summary>Whether the store takes over what clients still carry from the time when it lived with them.</summary>
    public bool Adopts { get; private set; }

    /// <summary>Whether a request may bring it.</summary>
    public bool IsCarried => Place == Place.Client || Adopts;

    /// <summary>What guards it in the store; null: nothing.</summary>
    public GuardDefinition? Guard { get; private set; }

    /// <summary>Whether it is compressed before it is sealed.</summary>
    public bool IsCompressed { get; private set; }

    /// <summary>What is sealed is filled up to a multiple of so many bytes; 0: not at all.</summary>
    public int PadTo { get; private set; }

    /// <summary>Takes over what the configuration says. Called once, before the first turn.</summary>
    public void Configure(Place place, StateModel model)
    {
        (Place, TimeToLive, MaxBytes, MaxAge, IsCached) = (place, model.Expires, model.MaxBytes, model.MaxAge, model.IsCached);
        (Adopts, IsCompressed, PadTo) = (model.MigrateFrom == Place.Client && place != Place.Client, model.IsCompressed, model.PadTo);
        Durability = model.Durability;
        Guard = place == Place.Client && model.IsGuarded ? new GuardDefinition(this) : null;
        // What lives with the client is at hand in every request, and nothing of it may be held by a server; a node has it in memory anyway.
        if (place != Place.Store) (MaxAge, IsCached) = (null, false);
    }

    public abstract IStateSlot OpenState(Row row, bool isNew);

    public abstract IStateSlot OpenSnapshot(Row row);
}

/// <inheritdoc/>
internal sealed class StateDefinition<T>(string name, JsonTypeInfo<T> json, T? empty, Needs needs, int schema)
    : StateDefinition(name, typeof(T), needs, schema) where T : class
{
    private readonly JsonTypeInfo<T> _strict = StrictJson.Of(json);
    private readonly Dictionary<int, Func<ReadOnlyMemory<byte>, T>> _upgrades = [];

    public T? Empty { get; } = empty;

    public override bool IsFolded => EventJson is not null;

    public override bool HasEmpty => Empty is not null;

    /// <summary>Writes one event; null for a plain state.</summary>
    public Func<object, ReadOnlyMemory<byte>>? EventJson { get; init; }

    /// <summary>Reads one event; null for a plain state.</summary>
    public Func<ReadOnlyMemory<byte>, object?>? EventReader { get; init; }

    public void AddUpgrade<TOld>(int from, JsonTypeInfo<TOld> json, Func<TOld, T> upgrade)
    {
        var strict = StrictJson.Of(json);
        _upgrades.Add(from, body => upgrade(JsonSerializer.Deserialize(body.Span, strict) ?? throw new JsonException("null")));
    }

    public bool CanRead(int schema) => schema == Schema || _upgrades.ContainsKey(schema);

    public override IStateSlot OpenState(Row row, bool isNew) => new State<T>(this, row, isNew);

    public override IStateSlot OpenSnapshot(Row row) => new Snapshot<T>(this, row);

    /// <summary>The value of a row. A row of a newer shape is refused, never guessed at: writing it back would lose what this code does not know.</summary>
    public T Decode(Row row)
    {
        if (row.Decoded is T known) return known;
        if (row.Schema > Schema) throw Errors.RowNewer(Name, row.Schema, Schema);
        try
        {
            var value = row.Schema == Schema
                ? JsonSerializer.Deserialize(row.Body.Span, _strict)
                : _upgrades.TryGetValue(row.Schema, out var upgrade) ? upgrade(row.Body) : throw Errors.RowTooOld(Name, row.Schema, Schema);
            row.Decoded = value ?? throw Errors.RowUnreadable(Name, null);
            return value;
        }
        // Not JsonException alone: a type may refuse in its constructor, or its upgrade may, whatever the exception.
        catch (Exception e) when (e is not StatesideException)
        {
            throw Errors.RowUnreadable(Name, e);
        }
    }

    /// <summary>The event as the handler raised it. One of a newer shape is refused; one of an older shape is read as today's type.</summary>
    public object DecodeEvent(JournalEvent e)
    {
        if (e.Schema > Schema) throw Errors.RowNewer(Name, e.Schema, Schema);
        try
        {
            return EventReader!(e.Body) ?? throw Errors.RowUnreadable(Name, null);
        }
        // As for rows: a type may refuse in its constructor, whatever the exception.
        catch (Exception failure) when (failure is not StatesideException)
        {
            throw Errors.RowUnreadable(Name, failure);
        }
    }

    public ReadOnlyMemory<byte> Encode(T value) => Bounded(JsonSerializer.SerializeToUtf8Bytes(value, json));

    public Func<byte[]> Watch(T? value) => () => value is null ? [] : JsonSerializer.SerializeToUtf8Bytes(value, json);

    public ReadOnlyMemory<byte> EncodeEvent(object e) => Bounded(EventJson!(e));

    private ReadOnlyMemory<byte> Bounded(ReadOnlyMemory<byte> bytes) =>
        bytes.Length <= MaxBytes ? bytes : throw Errors.StateTooLarge(Name, bytes.Length, MaxBytes);
}
