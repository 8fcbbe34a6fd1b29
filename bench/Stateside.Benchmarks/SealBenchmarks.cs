using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Sealing;

namespace Stateside.Benchmarks;

/// <summary>What it costs to seal and to open 1 KB, as text for a cookie: ours, ASP.NET Core Data Protection, PASETO v3.local.</summary>
[MemoryDiagnoser]
public class SealBenchmarks
{
    private static readonly SealPurpose s_purpose = new("state", "cart", "s:AAAAAAAAAAAAAAAAAAAAAA");
    private static readonly byte[] s_bound = Encoding.UTF8.GetBytes("stateside state cart s:AAAAAAAAAAAAAAAAAAAAAA");
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(1024);
    private readonly PasetoLocal _paseto = new(RandomNumberGenerator.GetBytes(32));
    private readonly IDataProtector _protector = new EphemeralDataProtectionProvider().CreateProtector("stateside", "state", "cart");
    private Sealer _sealer = null!;
    private string _sealed = "";
    private string _foreign = "";
    private string _protected = "";
    private string _pasetoToken = "";

    [GlobalSetup]
    public async Task SetUp()
    {
        var model = new KeysModel("stateside", [RandomNumberGenerator.GetBytes(32)], TimeSpan.FromDays(90), TimeSpan.FromSeconds(30), TimeSpan.FromDays(7));
        _sealer = (await KeyRing.OpenAsync(null, model, TimeProvider.System, NullLogger.Instance, default)).Sealer;
        var other = (await KeyRing.OpenAsync(null, model, TimeProvider.System, NullLogger.Instance, default)).Sealer;
        (_sealed, _foreign, _protected, _pasetoToken) = (Seal(), other.Seal(s_purpose, _content), Protect(), PasetoSeal());
        CheckVector();
        if (!Open().AsSpan().SequenceEqual(_content) || !OpenOfAnotherNode().AsSpan().SequenceEqual(_content)
            || !Unprotect().AsSpan().SequenceEqual(_content) || !PasetoOpen().AsSpan().SequenceEqual(_content))
            throw new InvalidOperationException("What was sealed did not open.");
        Console.WriteLine($"Characters of 1,024 bytes sealed: ours {_sealed.Length}, Data Protection {_protected.Length}, PASETO v3.local {_pasetoToken.Length}");
    }

    [Benchmark(Baseline = true)]
    public string Seal() => _sealer.Seal(s_purpose, _content);

    [Benchmark]
    public byte[] Open()
    {
        _sealer.TryOpen(s_purpose, _sealed, out var content);
        return content;
    }

    /// <summary>A seal of another process, whose subkey is known after the first.</summary>
    [Benchmark]
    public byte[] OpenOfAnotherNode()
    {
        _sealer.TryOpen(s_purpose, _foreign, out var content);
        return content;
    }

    [Benchmark]
    public string Protect() => System.Buffers.Text.Base64Url.EncodeToString(_protector.Protect(_content));

    [Benchmark]
    public byte[] Unprotect() => _protector.Unprotect(System.Buffers.Text.Base64Url.DecodeFromChars(_protected));

    [Benchmark]
    public string PasetoSeal() => _paseto.Seal(_content, s_bound);

    [Benchmark]
    public byte[] PasetoOpen() => _paseto.TryOpen(_pasetoToken, s_bound)!;

    /// <summary>The standard's own vector 3-E-1, so that the comparison is with PASETO and not with something like it.</summary>
    private static void CheckVector()
    {
        var paseto = new PasetoLocal(Convert.FromHexString("707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"));
        var token = paseto.Seal("""{"data":"this is a secret message","exp":"2022-01-01T00:00:00+00:00"}"""u8, [], new byte[32]);
        if (token != "v3.local.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADbfcIURX_0pVZVU1mAESUzrKZAsRm2EsD6yBoZYn6cpVZNzSJOhSDN-sRaWjfLU-yn9OJH1J_B8GKtOQ9gSQlb8yk9Iza7teRdkiR89ZFyvPPsVjjFiepFUVcMa-LP18zV77f_crJrVXWa5PDNRkCSeHfBBeg")
            throw new InvalidOperationException("This is not PASETO v3.local.");
    }
}
