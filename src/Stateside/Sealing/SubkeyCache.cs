using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Stateside.Sealing;

/// <summary>
/// Subkeys that have opened a seal: those of this process and of the others that serve the same clients. Bounded: it begins anew when
/// more are known than can be of use, since a subkey is derived again in microseconds.
/// </summary>
internal sealed class SubkeyCache
{
    /// <summary>Most subkeys at hand: one for each process that has sealed of late.</summary>
    public const int Capacity = 1024;

    private readonly ConcurrentDictionary<(SealKeyId Key, UInt128 Salt), SealSubkey> _known = new();

    public int Count => _known.Count;

    public SealSubkey? Find(SealKey key, ReadOnlySpan<byte> salt) => _known.GetValueOrDefault((key.Id, MemoryMarshal.Read<UInt128>(salt)));

    public void Add(SealSubkey subkey)
    {
        if (_known.Count >= Capacity) _known.Clear();
        _known.TryAdd((subkey.Key.Id, MemoryMarshal.Read<UInt128>(subkey.Salt)), subkey);
    }
}
