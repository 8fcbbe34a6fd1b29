using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>The certificate that the client has shown to the first node. That node's server has checked it; the chain is not carried.</summary>
internal sealed class HopCertificate : ITlsConnectionFeature, IDisposable
{
    private readonly byte[] _content;
    private X509Certificate2? _certificate;

    private HopCertificate(byte[] content) => _content = content;

    /// <inheritdoc/>
    public X509Certificate2? ClientCertificate
    {
        get => _certificate ??= X509CertificateLoader.LoadCertificate(_content);
        set => _certificate = value;
    }

    /// <summary>Shows the certificate to the application.</summary>
    /// <returns>False if the text is none.</returns>
    public static bool TryInstall(HttpContext context, string text)
    {
        var content = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, content, out var length) || length == 0) return false;
        var feature = new HopCertificate(content[..length]);
        context.Response.RegisterForDispose(feature);
        context.Features.Set<ITlsConnectionFeature>(feature);
        return true;
    }

    /// <inheritdoc/>
    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);

    /// <inheritdoc/>
    public void Dispose() => _certificate?.Dispose();
}
