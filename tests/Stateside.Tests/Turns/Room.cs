using System.Text.Json;
using Stateside.States;

namespace Stateside.Tests.Turns;

internal sealed record Said(string Text);

/// <summary>A folded state.</summary>
internal sealed record Room(string[] Lines) : IFold<Room, Said>
{
    public Room Apply(Said e) => new([.. Lines, e.Text]);

    /// <summary>As <see cref="StatesideBuilder.AddFold"/> declares it.</summary>
    public static StateDefinition<Room> Define() => new("room", TurnJson.Default.Room, new Room([]), Needs.None, schema: 1)
    {
        EventJson = e => JsonSerializer.SerializeToUtf8Bytes((Said)e, TurnJson.Default.Said),
        EventReader = body => JsonSerializer.Deserialize(body.Span, TurnJson.Default.Said),
    };

    /// <summary>One turn that says something.</summary>
    public static async Task<string> SayAsync(IStates states, StateKey key, params string[] texts) => await states.RunAsync<Room, string>(key, (room, _) =>
    {
        foreach (var text in texts) room.Raise(new Said(text));
        return texts[^1];
    });
}
