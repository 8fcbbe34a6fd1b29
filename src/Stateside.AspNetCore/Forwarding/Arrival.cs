using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>
/// How a request came to the first node that took it, kept before the application's middleware touches it. A forwarded request shows the
/// owner these, so that the application's own <c>UseForwardedHeaders</c> runs there once, on the same input, and not a second time on what
/// the first node left: that would trust an entry of <c>X-Forwarded-For</c> that the first node did not.
/// </summary>
internal sealed class Arrival(HttpContext context)
{
    private readonly IPAddress? _address = context.Connection.RemoteIpAddress;
    private readonly int _port = context.Connection.RemotePort;
    private readonly ITlsConnectionFeature? _tls = context.Features.Get<ITlsConnectionFeature>();
    private readonly StringValues _for = context.Request.Headers[Names[0]];
    private readonly StringValues _proto = context.Request.Headers[Names[1]];
    private readonly StringValues _host = context.Request.Headers[Names[2]];
    private readonly StringValues _prefix = context.Request.Headers[Names[3]];

    /// <summary>The headers that a proxy in front of the application adds and the application's middleware may shorten or remove.</summary>
    private static readonly string[] Names = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix"];

    public string Scheme { get; } = context.Request.Scheme;

    public string Host { get; } = context.Request.Host.Value ?? "";

    public IPEndPoint? Client => _address is null ? null : new(_address, _port);

    /// <summary>The certificate that the client has shown by now; one that the application asks for later stays on this node.</summary>
    private X509Certificate2? Certificate => _tls?.ClientCertificate;

    public static bool Keeps(string name) => name.Length is >= 15 and <= 18 && name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
        && Names.Contains(name, StringComparer.OrdinalIgnoreCase);

    public void AddTo(NodeRequest request)
    {
        Add(request, Names[0], _for);
        Add(request, Names[1], _proto);
        Add(request, Names[2], _host);
        Add(request, Names[3], _prefix);
        if (Certificate is { } certificate) request.Add(HopHeaders.Certificate, Convert.ToBase64String(certificate.RawDataMemory.Span));
    }

    private static void Add(NodeRequest request, string name, StringValues values)
    {
        if (values.Count > 0) request.Add(name, values);
    }
}
