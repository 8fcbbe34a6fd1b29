using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Stateside.Stores;

namespace Stateside.Redis.Resp;

/// <summary>Opens a connection: socket, TLS, protocol, user, database, tracking.</summary>
internal static class RespDialer
{
    private const string ClientName = "stateside";

    /// <summary>Connects to one server, within the time that the URL gives.</summary>
    /// <exception cref="RedisException">It cannot be reached, or refuses; nothing was sent that could have an effect.</exception>
    public static async Task<(RespConnection Connection, bool IsResp3)> OpenAsync(
        RedisEndpoint endpoint, RedisUrl url, bool tracks, Action<RespValue> pushed, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(url.ConnectTimeout, time);
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        Stream? stream = null;
        RespConnection? connection = null;
        try
        {
            stream = await ConnectAsync(endpoint, bound.Token);
            if (url.IsTls) stream = await SecureAsync(stream, endpoint, url, bound.Token);
            connection = new RespConnection(stream, url.CommandTimeout, pushed, time);
            var isResp3 = await GreetAsync(connection, url, bound.Token);
            if (url.Database > 0) await ExpectAsync(connection, RespCommand.OfWords("SELECT", url.Database.ToString(System.Globalization.CultureInfo.InvariantCulture)), bound.Token);
            if (tracks && isResp3) await ExpectAsync(connection, RespCommand.OfWords("CLIENT", "TRACKING", "ON", "NOLOOP"), bound.Token);
            return (connection, isResp3);
        }
        catch (Exception e)
        {
            if (connection is not null) await connection.DisposeAsync();
            else if (stream is not null) await stream.DisposeAsync();
            if (e is RedisException { IsAnswer: true }) throw;
            cancellationToken.ThrowIfCancellationRequested();
            throw new RedisException($"Redis at {endpoint} cannot be reached: {Reason(e, url)}. Check host and port in the URL, and that the server runs and lets this machine in.", Applied.No, e);
        }
    }

    private static string Reason(Exception e, RedisUrl url) => e switch
    {
        OperationCanceledException => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"no answer within {url.ConnectTimeout.TotalSeconds:0.##} s"),
        AuthenticationException => "its certificate does not hold (name, issuer or date), or it wants one of ours: see ca=, cert= and key= in the URL",
        CryptographicException or FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException => "a certificate file that the URL names cannot be read",
        RedisException { InnerException: { } cause } => RespConnection.Reason(cause),
        _ => RespConnection.Reason(e),
    };

    private static async Task<Stream> ConnectAsync(RedisEndpoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint.Host, endpoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> SecureAsync(Stream stream, RedisEndpoint endpoint, RedisUrl url, CancellationToken cancellationToken)
    {
        var tls = new SslStream(stream, leaveInnerStreamOpen: false);
        try
        {
            var options = new SslClientAuthenticationOptions { TargetHost = endpoint.Host };
            if (url.Authorities is { } authorities)
            {
                options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                options.CertificateChainPolicy.CustomTrustStore.ImportFromPemFile(authorities);
            }
            if (url.Client is var (certificate, key)) options.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key)];
            await tls.AuthenticateAsClientAsync(options, cancellationToken);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    /// <summary>RESP3 where the server speaks it, else RESP2.</summary>
    private static async Task<bool> GreetAsync(RespConnection connection, RedisUrl url, CancellationToken cancellationToken)
    {
        string[] credential = url.Password is { } password ? ["AUTH", url.User ?? "default", password] : [];
        var hello = await connection.SendAsync(RespCommand.OfWords("HELLO", ["3", .. credential, "SETNAME", ClientName]), cancellationToken);
        if (!hello.IsError) return true;
        if (!hello.IsErrorOf("NOPROTO"u8) && !hello.IsErrorOf("ERR"u8)) throw RedisException.Of(hello);
        if (url.Password is { } secret) await ExpectAsync(connection, RespCommand.OfWords("AUTH", url.User is { } user ? [user, secret] : [secret]), cancellationToken);
        // Proves that the server answers commands at all; one that wants a password says so here.
        await ExpectAsync(connection, RespCommand.Of("PING"), cancellationToken);
        return false;
    }

    private static async Task ExpectAsync(RespConnection connection, RespCommand command, CancellationToken cancellationToken)
    {
        var answer = await connection.SendAsync(command, cancellationToken);
        if (answer.IsError) throw RedisException.Of(answer);
    }
}
