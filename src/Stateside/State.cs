using System.Text.Json.Serialization;
using Stateside.States;
using Stateside.Stores;

namespace Stateside;

/// <summary>
/// A state that the handler may change. An ordinary parameter of a handler; it belongs to one run of one turn, and
/// what it holds is written when the turn commits, before the response leaves.
/// </summary>
/// <typeparam name="T">An immutable record. A change is a new value, never a value changed in place.</typeparam>
[JsonConverter(typeof(NeverJson))]
public sealed class State<T> : IStateSlot where T : class
{
    private readonly StateDefinition<T> _definition;
    private readonly Row _row;
    private List<ReadOnlyMemory<byte>>? _events;
    private T? _value;
    private bool _changed;

    internal State(StateDefinition<T> definition, Row row, bool isNew)
    {
        (_definition, _row, IsNew) = (definition, row, isNew);
        Exists = row.Exists;
        _value = row.Exists ? definition.Decode(row) : definition.Empty;
    }

    /// <summary>True if it is there: it was loaded, or this run has set it.</summary>
    public bool Exists { get; private set; }

    /// <summary>The value. Of a state that is not there: what was declared as <c>empty</c>.</summary>
    /// <exception cref="StatesideException">SS1009: it is not there, and no <c>empty</c> was declared. Over HTTP this is a 404.</exception>
    public T Value => _value ?? throw Errors.StateAbsent(_definition.Name);

    /// <summary>The id as it stands in URLs: for a new state its public id. Empty for the states of a session or a user, which have none.</summary>
    public string Id => StateIds.PublicText(_row.Key);

    /// <summary>Replaces the value by what <paramref name="change"/> makes of it. Returning the same object changes nothing.</summary>
    /// <param name="change">A pure function; it may run again if another turn was faster.</param>
    /// <returns>The new value.</returns>
    /// <exception cref="StatesideException">SS1009: it is not there, and no <c>empty</c> was declared.</exception>
    public T Update(Func<T, T> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var next = change(Value);
        return ReferenceEquals(next, _value) ? next : Set(next);
    }

    /// <summary>Replaces the value, whether it is there or not.</summary>
    /// <returns>The value.</returns>
    /// <exception cref="InvalidOperationException">The state is folded: it changes by its events only.</exception>
    public T Set(T value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (_definition.IsFolded) throw new InvalidOperationException($"State \"{_definition.Name}\" is folded: raise an event instead of setting it.");
        return Change(value);
    }

    /// <summary>Deletes it. Deleting what is not there changes nothing.</summary>
    public void Delete()
    {
        if (!Exists) return;
        (Exists, _changed, _value, _events) = (false, true, _definition.Empty, null);
    }

    internal T Append(object e, T folded)
    {
        // Its journal ends with it, and another can begin only once that is committed.
        if (!Exists && _row.Exists) throw new InvalidOperationException($"State \"{_definition.Name}\" was deleted in this turn: raise events on it in the next.");
        (_events ??= []).Add(_definition.EncodeEvent(e));
        return Change(folded);
    }

    private T Change(T value)
    {
        (Exists, _changed) = (true, true);
        return _value = value;
    }

    internal bool IsNew { get; }

    Row IStateSlot.Row => _row;

    bool IStateSlot.IsChanged => _changed && (Exists || _row.Exists);

    StateVersion IStateSlot.VersionAfter(TurnId turn) => ((IStateSlot)this).IsChanged ? _row.Version.Next(turn) : _row.Version;

    Func<byte[]> IStateSlot.WatchValue() => _definition.Watch(_value);

    RowWrite? IStateSlot.ToWrite(TimeSpan? lifeOfSession)
    {
        if (!((IStateSlot)this).IsChanged) return IsNew ? null : new RowWrite(_row.Key, RowChange.Check, _row.Version);
        if (!Exists) return new RowWrite(_row.Key, RowChange.Delete, _row.Version);
        return new RowWrite(_row.Key, RowChange.Put, _row.Version)
        {
            Schema = _definition.Schema,
            // A journal starts afresh when the state that it belonged to was deleted or expired.
            Sequence = _row.Exists ? _row.Sequence : 0,
            Events = (IReadOnlyList<ReadOnlyMemory<byte>>?)_events ?? [],
            Body = _definition.Encode(_value!),
            Decoded = _value,
            TimeToLive = _definition.TimeToLive ?? lifeOfSession,
        };
    }
}

/// <summary>A state that the handler only reads: the type has no way to write.</summary>
/// <typeparam name="T">An immutable record.</typeparam>
[JsonConverter(typeof(NeverJson))]
public sealed class Snapshot<T> : IStateSlot where T : class
{
    private readonly StateDefinition<T> _definition;
    private readonly Row _row;
    private readonly T? _value;

    internal StateDefinition<T> Definition => _definition;

    internal Row Row => _row;

    internal Snapshot(StateDefinition<T> definition, Row row)
    {
        (_definition, _row) = (definition, row);
        _value = row.Exists ? definition.Decode(row) : definition.Empty;
    }

    /// <summary>True if it is there.</summary>
    public bool Exists => _row.Exists;

    /// <summary>The value. Of a state that is not there: what was declared as <c>empty</c>.</summary>
    /// <exception cref="StatesideException">SS1009: it is not there, and no <c>empty</c> was declared. Over HTTP this is a 404.</exception>
    public T Value => _value ?? throw Errors.StateAbsent(_definition.Name);

    /// <summary>The id as it stands in URLs. Empty for the states of a session or a user, which have none.</summary>
    public string Id => StateIds.PublicText(_row.Key);

    /// <summary>Its version: what to watch it from. None if it was never written.</summary>
    public StateVersion Version => _row.Version;

    /// <summary>Of a folded state, the number of the last event in it: what to watch its events from. 0 if there is none.</summary>
    public long EventNumber => _row.Sequence;

    Row IStateSlot.Row => _row;

    bool IStateSlot.IsChanged => false;

    StateVersion IStateSlot.VersionAfter(TurnId turn) => _row.Version;

    RowWrite? IStateSlot.ToWrite(TimeSpan? lifeOfSession) => null;

    Func<byte[]> IStateSlot.WatchValue() => _definition.Watch(_value);
}
