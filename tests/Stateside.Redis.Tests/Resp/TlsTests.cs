using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Stateside.Redis.Resp;
using Stateside.Servers;
using Stateside.Stores;

namespace Stateside.Redis.Tests.Resp;

/// <summary>TLS to a real server: only the one that the URL means, and a certificate of ours where it wants one.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("stateside-tls-").FullName;
    private readonly int _port = ServerProcess.FreePort();

    public TlsTests()
    {
        using var authority = Authority("ca");
        using var stranger = Authority("stranger");
        Issue(authority, "server", names => names.AddIpAddress(IPAddress.Loopback));
        Issue(authority, "elsewhere", names => names.AddDnsName("elsewhere.example"));
        Issue(authority, "client", names => names.AddDnsName("client.example"));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_server_whose_certificate_holds_is_used_and_any_other_refused()
    {
        await using var server = await StartAsync("server", "no");
        await using var client = new RedisClient(RedisUrl.Parse(Url("ca")));
        await client.OpenAsync(default);
        // Larger than one TLS record, both ways.
        var large = new string('x', 1_000_000);
        Assert.Equal(large, (await client.SendAsync(-1, RespCommand.OfWords("ECHO", large), default)).Text);
        await RefusedAsync(Url("stranger"), "certificate");
        await RefusedAsync($"rediss://127.0.0.1:{_port}?connect=2", "certificate");
        await RefusedAsync(Url("not-there"), "certificate file");
        await RefusedAsync(Url("server.key"), "");
        // Plain text to a TLS port, and TLS to a port of plain text.
        await RefusedAsync($"redis://127.0.0.1:{_port}?connect=2", "");
        await RefusedAsync($"rediss://127.0.0.1:{server.Port}?connect=2", "");
    }

    [Fact]
    public async Task A_server_that_has_another_name_is_refused()
    {
        await using var server = await StartAsync("elsewhere", "no");
        await RefusedAsync(Url("ca"), "certificate");
    }

    [Fact]
    public async Task A_server_that_wants_a_certificate_gets_the_one_of_the_URL()
    {
        await using var server = await StartAsync("server", "yes");
        await RefusedAsync(Url("ca"), "");
        await using var client = new RedisClient(RedisUrl.Parse($"{Url("ca")}&cert={Escaped("client.pem")}&key={Escaped("client.key.pem")}"));
        await client.OpenAsync(default);
        Assert.Equal("PONG", (await client.SendAsync(-1, RespCommand.Of("PING"), default)).Text);
    }

    private static async Task RefusedAsync(string url, string says)
    {
        await using var client = new RedisClient(RedisUrl.Parse(url));
        var watch = Stopwatch.StartNew();
        var e = await Assert.ThrowsAsync<RedisException>(() => client.OpenAsync(default));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        Assert.Equal(Applied.No, e.Applied);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    private Task<TestRedis> StartAsync(string certificate, string wantsOurs) => TestRedis.StartAsync(
        ["--tls-port", _port.ToString(CultureInfo.InvariantCulture), "--tls-cert-file", PathOf(certificate + ".pem"), "--tls-key-file", PathOf(certificate + ".key.pem"),
            "--tls-ca-cert-file", PathOf("ca.pem"), "--tls-auth-clients", wantsOurs]);

    private string Url(string authority) => $"rediss://127.0.0.1:{_port}?connect=2&ca={Escaped(authority + ".pem")}";

    private string Escaped(string file) => Uri.EscapeDataString(PathOf(file));

    private string PathOf(string file) => Path.Combine(_directory, file);

    private X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var certificate = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(2));
        File.WriteAllText(PathOf(name + ".pem"), certificate.ExportCertificatePem());
        return certificate;
    }

    private void Issue(X509Certificate2 authority, string name, Action<SubjectAlternativeNameBuilder> names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var builder = new SubjectAlternativeNameBuilder();
        names(builder);
        request.CertificateExtensions.Add(builder.Build());
        using var certificate = request.Create(authority, DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(PathOf(name + ".pem"), certificate.ExportCertificatePem());
        File.WriteAllText(PathOf(name + ".key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
