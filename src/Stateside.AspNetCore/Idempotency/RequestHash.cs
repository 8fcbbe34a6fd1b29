using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Stateside.Stores;

namespace Stateside.AspNetCore.Idempotency;

/// <summary>The two hashes of a request that bears an <c>Idempotency-Key</c> (ADR 0001): where its receipt is kept, and what a retry must repeat.</summary>
internal static class RequestHash
{
    /// <summary>Over method, path, query and body.</summary>
    public static ReceiptId Fingerprint(HttpRequest request, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, request.Method);
        Append(hash, (request.PathBase + request.Path).ToUriComponent());
        Append(hash, request.QueryString.ToUriComponent());
        Append(hash, body);
        return Finish(hash);
    }

    /// <summary>Over caller, method, route and key; a request without a caller is told apart by its fingerprint as well.</summary>
    /// <param name="caller">The text of the caller's group, or null.</param>
    /// <param name="request">The request.</param>
    /// <param name="route">The route pattern of the endpoint.</param>
    /// <param name="key">The key, without quotes.</param>
    /// <param name="fingerprint">From <see cref="Fingerprint"/>.</param>
    public static ReceiptId Receipt(string? caller, HttpRequest request, string route, string key, ReceiptId fingerprint)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, caller ?? "");
        Append(hash, request.Method);
        Append(hash, route);
        Append(hash, key);
        if (caller is null)
        {
            Span<byte> bytes = stackalloc byte[ReceiptId.Size];
            fingerprint.Write(bytes);
            Append(hash, bytes);
        }
        return Finish(hash);
    }

    private static void Append(IncrementalHash hash, string text) => Append(hash, Encoding.UTF8.GetBytes(text));

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }

    private static ReceiptId Finish(IncrementalHash hash)
    {
        Span<byte> bytes = stackalloc byte[ReceiptId.Size];
        hash.GetHashAndReset(bytes);
        return ReceiptId.Read(bytes);
    }
}
