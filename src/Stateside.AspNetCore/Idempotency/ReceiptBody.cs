using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Stateside.Stores;

namespace Stateside.AspNetCore.Idempotency;

/// <summary>The response as a receipt keeps it.</summary>
/// <remarks>
/// Wire format (ADR 0001): 1, varint status, varint count of headers with name and value as varint length + UTF-8, varint
/// length + content, then sections of varint tag, varint length and bytes, which a reader skips if it does not know them.
/// </remarks>
internal static class ReceiptBody
{
    /// <summary>Stands for a response that was too large to keep.</summary>
    public const int NotKept = 0;

    /// <summary>
    /// The headers that a replay repeats. A list of what is kept, not of what is left out: a cookie, a challenge, a date, a
    /// request id or a rate limit belongs to one response and must never be sent twice.
    /// </summary>
    private static readonly string[] KeptHeaders =
    [
        "Content-Type", "Location", "ETag", "Content-Encoding", "Content-Language", "Content-Disposition", "Content-Location",
        "Cache-Control", "Last-Modified", "Link", "Vary", "Retry-After",
    ];

    public static byte[] Write(int status, IHeaderDictionary headers, ReadOnlySpan<byte> content)
    {
        var writer = new ArrayBufferWriter<byte>(content.Length + 256);
        Varint.Write(writer, 1);
        Varint.Write(writer, status);
        var kept = KeptHeaders.Where(name => headers.ContainsKey(name)).ToArray();
        Varint.Write(writer, kept.Length);
        foreach (var name in kept)
        {
            Varint.WriteBytes(writer, Encoding.UTF8.GetBytes(name));
            Varint.WriteBytes(writer, Encoding.UTF8.GetBytes(headers[name].ToString()));
        }
        Varint.WriteBytes(writer, content);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Puts the kept response into <paramref name="headers"/> and gives status and content.</summary>
    /// <exception cref="StatesideException">SS3005: the bytes are not of this form.</exception>
    public static (int Status, ReadOnlyMemory<byte> Content) Read(ReadOnlyMemory<byte> body, IHeaderDictionary headers)
    {
        var rest = body;
        if (rest.Length == 0 || rest.Span[0] != 1) throw Errors.RowUnreadable("receipt", null);
        rest = rest[1..];
        var status = Varint.Read(ref rest);
        var count = Varint.Read(ref rest);
        for (var i = 0; i < count; i++)
        {
            var name = Encoding.UTF8.GetString(Varint.ReadBytes(ref rest).Span);
            headers[name] = new StringValues(Encoding.UTF8.GetString(Varint.ReadBytes(ref rest).Span));
        }
        return (status, Varint.ReadBytes(ref rest));
    }
}
