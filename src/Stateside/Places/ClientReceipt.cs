using System.Buffers;
using System.Text;
using Stateside.Stores;

namespace Stateside.Places;

/// <summary>The states of the client in a receipt, so that a client which lost the response gets them with the replay.</summary>
/// <remarks>
/// Wire format (ADR 0001): section 1 of the receipt's body, which is the last thing in it: varint tag 1, varint length, then for each
/// state varint length + name, the version that it was made from (24), and varint length + seal.
/// </remarks>
internal static class ClientReceipt
{
    private const int Section = 1;

    /// <summary>The receipt with the states that leave with its response.</summary>
    public static ReceiptWrite? With(ReceiptWrite? receipt, IReadOnlyList<SealedState> leaving)
    {
        if (receipt is null || leaving.Count == 0 || receipt.Status != ReceiptStatus.Recorded) return receipt;
        var states = new ArrayBufferWriter<byte>();
        foreach (var state in leaving)
        {
            if (state.Token is null) continue;
            Varint.WriteBytes(states, Encoding.ASCII.GetBytes(state.Name));
            state.Base.Write(states.GetSpan(StateVersion.Size));
            states.Advance(StateVersion.Size);
            Varint.WriteBytes(states, Encoding.ASCII.GetBytes(state.Token));
        }
        var body = new ArrayBufferWriter<byte>(receipt.Body.Length + states.WrittenCount + 8);
        body.Write(receipt.Body.Span);
        Varint.Write(body, Section);
        Varint.WriteBytes(body, states.WrittenSpan);
        return receipt with { Body = body.WrittenMemory };
    }

    /// <summary>The states in the sections that follow the response in a receipt's body.</summary>
    /// <exception cref="StatesideException">SS3005: the bytes are not of this form.</exception>
    public static IReadOnlyList<SealedState> Read(ReadOnlyMemory<byte> body)
    {
        var found = new List<SealedState>();
        var rest = Sections(body);
        while (!rest.IsEmpty)
        {
            var tag = Varint.Read(ref rest);
            var bytes = Varint.ReadBytes(ref rest);
            while (tag == Section && !bytes.IsEmpty) found.Add(ReadState(ref bytes));
        }
        return found;
    }

    private static string ReadText(ref ReadOnlyMemory<byte> rest) => Encoding.ASCII.GetString(Varint.ReadBytes(ref rest).Span);

    private static SealedState ReadState(ref ReadOnlyMemory<byte> bytes)
    {
        var name = ReadText(ref bytes);
        if (bytes.Length < StateVersion.Size) throw Errors.RowUnreadable("receipt", null);
        var made = StateVersion.Read(bytes.Span);
        bytes = bytes[StateVersion.Size..];
        return new SealedState(name, ReadText(ref bytes)) { Base = made };
    }

    private static ReadOnlyMemory<byte> Sections(ReadOnlyMemory<byte> body)
    {
        var rest = body.IsEmpty ? throw Errors.RowUnreadable("receipt", null) : body[1..];
        Varint.Read(ref rest);
        for (var texts = 2 * (long)Varint.Read(ref rest); texts > 0; texts--) Varint.ReadBytes(ref rest);
        Varint.ReadBytes(ref rest);
        return rest;
    }
}
