using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.Stores;

namespace Stateside.States;

/// <summary>What the engine sees of a handler's <see cref="State{T}"/> or <see cref="Snapshot{T}"/>.</summary>
internal interface IStateSlot
{
    /// <summary>What was loaded.</summary>
    Row Row { get; }

    /// <summary>Whether it is there, as this run leaves it.</summary>
    bool Exists { get; }

    /// <summary>Whether this run has changed it.</summary>
    bool IsChanged { get; }

    /// <summary>The version once the turn has committed.</summary>
    StateVersion VersionAfter(TurnId turn);

    /// <summary>What the commit does to its row; null for a snapshot, and for a new key that was not used.</summary>
    /// <param name="lifeOfSession">The time to live of a state that has none of its own but belongs to a session.</param>
    RowWrite? ToWrite(TimeSpan? lifeOfSession);

    /// <summary>Reads the JSON of the value that is held now, at each call anew, also when the run has long replaced it: how a test finds a value that was changed in place.</summary>
    Func<byte[]> WatchValue();
}

internal static class StateIds
{
    public static string PublicText(StateKey key)
    {
        if (key.Item.Length > 0) return PublicId.Format(key.Group, key.Item);
        return key.Group.Value[0] == 'k' ? key.Group.Value[2..] : "";
    }
}

/// <summary>Refuses JSON for the handles: a posted body must never become a state, nor a handle a response.</summary>
internal sealed class NeverJson : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => true;

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("State<T> and Snapshot<T> are handles: return their Value, and take them as parameters of an endpoint only.");
}
