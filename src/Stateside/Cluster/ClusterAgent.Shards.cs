using Stateside.Diagnostics;
using Stateside.Stores;

namespace Stateside.Cluster;

/// <summary>How shards come to this node and go from it.</summary>
internal sealed partial class ClusterAgent
{
    /// <summary>Takes the shards in that the view gives to this node, and lets go of those that it does not.</summary>
    private void Follow(ClusterView view)
    {
        List<Shard>? coming = null;
        foreach (var shard in _shards)
        {
            if (view.Owner(shard.Number) is { } owner && owner.Is(_self))
            {
                if (shard.Epoch == view.Epoch(shard.Number)) continue;
                if (!shard.IsAway) shard.Drop();
                shard.Come(view.Epoch(shard.Number));
            }
            else if (!shard.IsAway) shard.Drop();
            if (!shard.IsAway && !shard.IsOwned) (coming ??= []).Add(shard);
        }
        if (coming is not null) _ = AcquireAsync(coming);
    }

    /// <summary>Raises the fences, all at once, before anything of the shards is read.</summary>
    private async Task AcquireAsync(List<Shard> coming)
    {
        await Task.WhenAll(coming.Select(AcquireAsync));
        _log.ShardsTaken(coming.Count);
    }

    private async Task AcquireAsync(Shard shard)
    {
        var epoch = shard.Epoch;
        while (shard.Epoch == epoch && epoch > 0 && !_stopping.IsCancellationRequested)
        {
            try
            {
                var there = await _store.RaiseAsync(shard.Number, epoch);
                // Who is gone owns nothing more: the next view gives it away, and nobody would wait for turns that came to it.
                if (_isGone) return;
                if (there == epoch) shard.Own(epoch);
                // Only a store that has lost its newest rows knows a higher epoch than the view has.
                else await ChangeAsync(v => IsOurs(shard.Number) && v.Epoch(shard.Number) == epoch ? v.Above(shard.Number, there) : v);
                return;
            }
            catch (StoreException)
            {
                await WithinAsync(Task.Delay(Timeout.InfiniteTimeSpan, _time, _stopping.Token), _model.Beat);
            }
        }
    }

    /// <summary>Passes on what has another home: seal, drain, flush, then the view. Others are served meanwhile.</summary>
    private async Task PassOnAsync(ClusterView view)
    {
        try
        {
            var moving = _shards.Where(s => s.IsOwned && view.Home(s.Number) is { } home && !home.Is(_self)).ToArray();
            foreach (var step in moving.Chunk(HandOffStep))
                if (!_isGone) await PassOnAsync(step);
        }
        catch (StoreException e)
        {
            _log.BeatFailed(e);
        }
    }

    private async Task PassOnAsync(Shard[] step)
    {
        var began = _clock.GetTimestamp();
        var sealing = step.Select(s => s.SealAsync()).ToArray();
        await WithinAsync(Task.WhenAll(sealing), s_drain);
        var passed = new HashSet<int>();
        var flushing = step.Select((shard, i) => sealing[i].IsCompletedSuccessfully ? _flush(shard).AsTask() : Task.FromResult(false)).ToArray();
        for (var i = 0; i < step.Length; i++)
        {
            if (await flushing[i]) passed.Add(step[i].Number);
            else step[i].Unseal();
        }
        while (!_stopping.IsCancellationRequested && !_isGone)
        {
            try
            {
                await ChangeAsync(v => passed.Any(n => IsOursIn(v, n)) ? v.Passing([.. passed.Where(n => IsOursIn(v, n))]) : v);
                break;
            }
            catch (StoreException)
            {
                // The view may have changed without our knowing, so they stay sealed until the store has said which it is.
                await WithinAsync(Task.Delay(Timeout.InfiniteTimeSpan, _time, _stopping.Token), _model.Beat);
                await TryLookAsync();
            }
        }
        // Who has left lets nobody in again.
        if (_isGone) return;
        LastHandOff = _clock.GetElapsedTime(began);
        if (passed.Count > 0) _log.ShardsPassed(passed.Count);
        foreach (var shard in step)
            if (IsOurs(shard.Number)) shard.Unseal();
    }

    private bool IsOursIn(ClusterView view, int shard) => view.Owner(shard) is { } owner && owner.Is(_self);

    private async ValueTask TryLookAsync()
    {
        try
        {
            await LookAsync(_stopping.Token);
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            // Asked again after the next beat.
        }
    }
}
