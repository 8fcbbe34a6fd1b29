using System.Buffers.Binary;

namespace Stateside.Turns;

/// <summary>What a claim keeps, so that a take-over repeats the turn with the same id, time and drawn ids.</summary>
/// <remarks>Wire format (ADR 0001): 1, turn id (16), secret (16), time as 8 bytes big-endian of 100 ns ticks since year 1 in UTC.</remarks>
internal static class ClaimBody
{
    private const int Size = 41;

    public static byte[] Write(TurnSeed seed)
    {
        var body = new byte[Size];
        body[0] = 1;
        seed.Id.Write(body.AsSpan(1));
        new TurnId(seed.Secret).Write(body.AsSpan(17));
        BinaryPrimitives.WriteInt64BigEndian(body.AsSpan(33), seed.Now.UtcTicks);
        return body;
    }

    public static TurnSeed Read(ReadOnlyMemory<byte> body)
    {
        var bytes = body.Span;
        if (bytes.Length != Size || bytes[0] != 1) throw Errors.OutcomeUnknown();
        return new(TurnId.Read(bytes[1..]), TurnId.Read(bytes[17..]).Value, new DateTimeOffset(BinaryPrimitives.ReadInt64BigEndian(bytes[33..]), TimeSpan.Zero));
    }
}
