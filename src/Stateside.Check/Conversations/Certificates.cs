using System.Net.Security;
using System.Security.Authentication;

namespace Stateside.Check.Conversations;

/// <summary>Whose certificate is believed, and what to do about one that is not.</summary>
internal static class Certificates
{
    /// <summary>How TLS is begun.</summary>
    /// <param name="any">Whether any certificate is believed. Otherwise the platform decides, since its exception says what is wrong.</param>
    public static SslClientAuthenticationOptions Believed(bool any) => new() { RemoteCertificateValidationCallback = any ? (_, _, _, _) => any : null };

    /// <summary>What is wrong with a replica's TLS and what to do, as the rest of a sentence; null where something else is wrong.</summary>
    public static string? Fault(HttpRequestException e)
    {
        if (e.HttpRequestError != HttpRequestError.SecureConnectionError) return null;
        if (!IsCertificate(e)) return "TLS could not be agreed on; if it speaks plain HTTP there, write http:// instead of https://";
        var said = e.InnerException!.Message;
        bool Says(string error) => said.Contains(error, StringComparison.Ordinal);
        if (Says("NotTimeValid")) return "its certificate has expired, or is not valid yet; renew it";
        // The platform names the errors of the chain only where there are no others.
        var name = "its certificate is made for another name; --host NAME asks for the one that it is made for";
        var issuer = $"its certificate is not trusted here ({said[(said.LastIndexOf(':') + 1)..].Trim()}); let this machine trust who issued it (on Linux SSL_CERT_FILE=ca.pem before the command will do), "
            + "or check over http, or at a loopback address, where any certificate is taken";
        return !Says("NameMismatch") ? issuer : Says("ChainErrors") ? $"{name}; and {issuer}" : name;
    }

    /// <summary>Whether it is the certificate that is refused: waiting does not mend that.</summary>
    public static bool IsCertificate(HttpRequestException e) =>
        e is { HttpRequestError: HttpRequestError.SecureConnectionError, InnerException: AuthenticationException inner } && inner.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase);
}
