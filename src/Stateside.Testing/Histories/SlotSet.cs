namespace Stateside.Testing.Histories;

/// <summary>A set of small numbers. It does not change; up to 64 it needs no memory of its own.</summary>
internal readonly struct SlotSet : IEquatable<SlotSet>
{
    private readonly ulong _first;
    private readonly ulong[]? _more;

    private SlotSet(ulong first, ulong[]? more) => (_first, _more) = (first, more);

    public bool Has(int slot) => (Word(slot >> 6) >> (slot & 63) & 1) != 0;

    /// <summary>The set with the number if it was not in it, and without it if it was.</summary>
    public SlotSet Flip(int slot)
    {
        var bit = 1UL << (slot & 63);
        if (slot < 64) return new(_first ^ bit, _more);
        var more = new ulong[Math.Max(slot >> 6, _more?.Length ?? 0)];
        _more?.CopyTo(more, 0);
        more[(slot >> 6) - 1] ^= bit;
        // Equal sets must have equal words, so words that have become empty at the end are left away.
        var length = Array.FindLastIndex(more, word => word != 0) + 1;
        return new(_first, length == 0 ? null : more[..length]);
    }

    public bool Equals(SlotSet other) => _first == other._first && _more.AsSpan().SequenceEqual(other._more);

    public override bool Equals(object? obj) => obj is SlotSet other && Equals(other);

    public override int GetHashCode()
    {
        var hash = _first.GetHashCode();
        foreach (var word in _more.AsSpan()) hash = HashCode.Combine(hash, word);
        return hash;
    }

    private ulong Word(int index) => index == 0 ? _first : index <= (_more?.Length ?? 0) ? _more![index - 1] : 0;
}
