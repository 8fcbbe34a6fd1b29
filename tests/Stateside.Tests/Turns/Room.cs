namespace Stateside.Tests.Turns;

internal sealed record Said(string Text);

/// <summary>A folded state.</summary>
internal sealed record Room(string[] Lines) : IFold<Room, Said>
{
    public Room Apply(Said e) => new([.. Lines, e.Text]);
}
