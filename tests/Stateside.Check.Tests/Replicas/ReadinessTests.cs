using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Stateside.Check.Conversations;
using Stateside.Check.Replicas;

namespace Stateside.Check.Tests.Replicas;

public sealed class ReadinessTests
{
    [Fact]
    public async Task Who_accepts_and_never_answers_is_waited_for_no_longer_than_was_said()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var address = new Uri($"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}");
        var watch = Stopwatch.StartNew();
        var fault = await Readiness.WaitAsync(address, address.Authority, "/", TimeSpan.FromSeconds(1), () => false, TimeProvider.System, CancellationToken.None);
        Assert.Equal("GET / does not answer", fault);
        // An answer alone would be waited for five seconds.
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task Where_one_replica_cannot_be_had_the_others_are_not_waited_for()
    {
        var source = new LaunchedSource(new LaunchOptions { Command = "sleep 1000; echo {port}", Replicas = 8, ReadyWithin = TimeSpan.FromSeconds(1) }, TimeProvider.System);
        var watch = Stopwatch.StartNew();
        var (one, other) = (source.OpenAsync(CancellationToken.None), source.OpenAsync(CancellationToken.None));
        var error = await Assert.ThrowsAsync<ReplicaException>(() => one);
        await Assert.ThrowsAsync<ReplicaException>(() => other);
        Assert.Contains("does not serve within 1 s", error.Message, StringComparison.Ordinal);
        // One after the other they would take sixteen.
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(6));
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_taken_on_loopback_and_else_it_is_said_what_to_do()
    {
        await using var server = await ServeAsync("localhost");
        var address = new Uri(server.Urls.Single());
        Assert.Null(await Readiness.WaitAsync(address, "localhost", "/", TimeSpan.FromSeconds(60), () => false, TimeProvider.System, CancellationToken.None));

        using var strict = new Transport(new ConversationOptions { Timeout = TimeSpan.FromSeconds(60) }, TimeProvider.System, anyCertificate: false);
        var untrusted = await strict.SendAsync(new SentRequest("GET", address, [new("Host", "localhost")], default), CancellationToken.None);
        Assert.Equal(Trouble.NoConnection, untrusted.Trouble);
        Assert.Contains("not trusted here (UntrustedRoot)", untrusted.Detail, StringComparison.Ordinal);
        Assert.Contains("SSL_CERT_FILE", untrusted.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("--host", untrusted.Detail, StringComparison.Ordinal);
        var misnamed = await strict.SendAsync(new SentRequest("GET", address, [new("Host", "shop.example")], default), CancellationToken.None);
        Assert.Contains("--host NAME", misnamed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_http_where_https_was_said_is_said_so()
    {
        await using var server = await ServeAsync(null);
        using var strict = new Transport(new ConversationOptions { Timeout = TimeSpan.FromSeconds(60) }, TimeProvider.System, anyCertificate: true);
        var arrival = await strict.SendAsync(new SentRequest("GET", new Uri(server.Urls.Single().Replace("http:", "https:", StringComparison.Ordinal)), [new("Host", "localhost")], default), CancellationToken.None);
        Assert.Contains("write http:// instead of https://", arrival.Detail, StringComparison.Ordinal);
    }

    private static async Task<WebApplication> ServeAsync(string? name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name ?? "localhost");
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (name is not null) listen.UseHttps(certificate);
        }));
        var server = builder.Build();
        server.MapGet("/", () => "served");
        await server.StartAsync();
        return server;
    }
}
