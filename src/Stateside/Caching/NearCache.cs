using System.Collections.Frozen;
using System.Numerics;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Caching;

/// <summary>When a trip to the store began: what it brings is as of this moment or later, never earlier.</summary>
/// <param name="Order">Its place in the order of all trips, answers and changes that the cache knows.</param>
/// <param name="Timestamp">The same by the monotonic clock of the process.</param>
internal readonly record struct CacheTicket(long Order, long Timestamp);

/// <summary>
/// Rows that this process has read or written, close at hand and bounded in bytes. It promises three things: a row found by age
/// was current at most that long ago; what this process wrote is never followed by something older; and what the store said to
/// have changed is gone, also if the answer that brings it is still on its way. Whether a row is current, only the store knows: a turn that
/// rests on a row found without an age has it checked by its commit (<c>TurnRunner.Cached.cs</c>).
/// </summary>
internal sealed class NearCache : IStoreWatcher
{
    private const int MostStripes = 16;
    private const int LeastStripeBytes = 65_536;
    private readonly FrozenSet<string> _names;
    private readonly CacheStripe[] _stripes;
    private readonly TimeProvider _time;
    private readonly Telemetry _telemetry;
    private long _order;

    /// <param name="maxBytes">Most bytes of all rows together; 1 or more.</param>
    /// <param name="names">The names of the rows that are kept; all others are passed over.</param>
    /// <param name="time">Measures ages.</param>
    /// <param name="telemetry">Counts.</param>
    public NearCache(int maxBytes, IEnumerable<string> names, TimeProvider time, Telemetry telemetry)
    {
        (_names, _time, _telemetry) = (names.ToFrozenSet(StringComparer.Ordinal), time, telemetry);
        // Each stripe has its own lock and its own part of the bytes, so that no lock is taken by every turn. All powers of two.
        var stripes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(maxBytes / LeastStripeBytes, 1, MostStripes));
        _stripes = new CacheStripe[stripes];
        for (var i = 0; i < stripes; i++) _stripes[i] = new CacheStripe(maxBytes / stripes, time, telemetry);
    }

    /// <summary>The cache that the configuration asks for; null if no state uses one.</summary>
    public static NearCache? Of(StatesideModel model, StateRegistry registry, TimeProvider time, Telemetry telemetry)
    {
        var names = registry.All.Where(d => d.IsCached || d.MaxAge is not null).Select(d => d.Name).ToList();
        if (model.CacheMaxBytes == 0 || names.Count == 0) return null;
        // A turn can commit without a load only if the session's row is at hand too. Reads load it all the same.
        if (registry.All.Any(d => d.IsCached)) names.Add(SessionHandle.RowName);
        return new NearCache(model.CacheMaxBytes, names, time, telemetry);
    }

    /// <summary>The bytes of all rows that it holds.</summary>
    public long Bytes
    {
        get
        {
            var sum = 0L;
            foreach (var stripe in _stripes) sum += stripe.Bytes;
            return sum;
        }
    }

    /// <summary>To be taken before a trip is sent; what the trip brings is handed in with it.</summary>
    public CacheTicket Begin() => new(Next(), _time.GetTimestamp());

    /// <summary>The row that was last seen under the key, with what is left of its time to live; null if it is not at hand or has expired.</summary>
    /// <param name="key">Which one.</param>
    /// <param name="maxAge">If given, only a row that the store is known to have held at most so long ago, and has not said to have changed since.</param>
    public Row? Find(StateKey key, TimeSpan? maxAge = null)
    {
        var (stripe, slot) = At(key);
        var row = stripe.Find(key, slot, maxAge);
        (row is null ? _telemetry.CacheMisses : _telemetry.CacheHits).Add(1);
        return row;
    }

    /// <summary>Takes in what a load brought.</summary>
    public void Learn(LoadResult loaded, CacheTicket ticket)
    {
        foreach (var row in loaded.Rows) Learn(row, null, ticket, isOwn: false);
    }

    /// <summary>Takes in what the store answered to a commit.</summary>
    public void Learn(Commit commit, CommitResult result, CacheTicket ticket)
    {
        if (result == CommitResult.Committed)
        {
            foreach (var write in commit.Rows)
            {
                if (!_names.Contains(write.Key.Name)) continue;
                if (write.Change == RowChange.Put) Learn(Row.Of(write, commit.Turn, write.TimeToLive), null, ticket, isOwn: true);
                else if (write.Change == RowChange.Delete) Learn(Row.Absent(write.Key, write.After(commit.Turn)), null, ticket, isOwn: true);
                else if (write.TimeToLive is { } life) At(write.Key).Stripe.Prolong(write.Key, At(write.Key).Slot, write.Expected, life, ticket);
            }
        }
        else if (result is CommitResult.Conflict conflict)
        {
            for (var i = 0; i < commit.Rows.Count; i++) Learn(conflict.Rows[i], commit.Rows[i].Expected, ticket, isOwn: false);
        }
    }

    /// <summary>Drops what a commit may have changed whose answer was lost.</summary>
    public void Forget(Commit commit)
    {
        foreach (var write in commit.Rows) Drop(write.Key);
    }

    /// <inheritdoc/>
    public void Changed(StateKey key)
    {
        if (Drop(key)) _telemetry.CacheInvalidations.Add(1);
    }

    /// <inheritdoc/>
    public void AnyChanged()
    {
        var order = Next();
        var dropped = 0;
        foreach (var stripe in _stripes) dropped += stripe.Clear(order);
        _telemetry.CacheInvalidations.Add(dropped);
    }

    private bool Drop(StateKey key)
    {
        if (!_names.Contains(key.Name)) return false;
        var (stripe, slot) = At(key);
        return stripe.Drop(key, slot, Next());
    }

    private void Learn(Row row, StateVersion? superseded, CacheTicket ticket, bool isOwn)
    {
        if (!_names.Contains(row.Key.Name)) return;
        var (stripe, slot) = At(row.Key);
        stripe.Learn(row, slot, superseded, ticket, Next(), isOwn);
    }

    private (CacheStripe Stripe, int Slot) At(StateKey key)
    {
        var hash = key.GetHashCode();
        return (_stripes[hash & (_stripes.Length - 1)], (hash >> 8) & (CacheStripe.Slots - 1));
    }

    private long Next() => Interlocked.Increment(ref _order);
}
