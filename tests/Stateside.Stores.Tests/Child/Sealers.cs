using System.Buffers.Text;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Sealing;
using Stateside.Stores.Tests.Sqlite;

namespace Stateside.Stores.Tests.Child;

/// <summary>A process that seals with the key ring of a file, and keeps what made up each nonce.</summary>
internal static class Sealers
{
    /// <summary>Bytes kept of each seal: key id (4), salt (16), counter (8).</summary>
    public const int RecordBytes = 28;

    public static readonly SealPurpose Purpose = new("state", "cart", "s:AAAAAAAAAAAAAAAAAAAAAA");

    public static readonly KeysModel Model = new("shop", [], TimeSpan.FromDays(90), TimeSpan.FromSeconds(30), TimeSpan.FromDays(7));

    /// <summary>Waits for a line, opens the ring, seals so many times, and says its last seal.</summary>
    public static async Task<int> RunAsync(string file, string records, string count)
    {
        await using var store = TempDirectory.Store(file);
        await store.OpenAsync(default);
        Console.WriteLine("ready");
        Console.ReadLine();
        await using var ring = await KeyRing.OpenAsync(store, Model, TimeProvider.System, NullLogger.Instance, default);
        await using var output = new BufferedStream(File.Create(records), 1 << 20);
        var token = "";
        for (var left = int.Parse(count, CultureInfo.InvariantCulture); left > 0; left--)
        {
            token = ring.Sealer.Seal(Purpose, []);
            // Byte 0 is the form; what follows up to the ciphertext makes up key, subkey and nonce.
            output.Write(Base64Url.DecodeFromChars(token).AsSpan(1, RecordBytes));
        }
        await output.FlushAsync();
        Console.WriteLine(token);
        return 0;
    }
}
