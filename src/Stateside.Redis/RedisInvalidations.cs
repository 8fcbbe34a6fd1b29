using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>Makes of Redis's invalidations what a watcher hears: <c>invalidate</c> and the keys, or nothing where all may have changed.</summary>
internal sealed class RedisInvalidations(RedisLayout layout, IStoreWatcher watcher)
{
    public void Read(RespValue push)
    {
        if (push.Items.Length < 2 || !push.Items[0].Bytes.Span.SequenceEqual("invalidate"u8)) return;
        if (push.Items[1].IsNull)
        {
            watcher.AnyChanged();
            return;
        }
        foreach (var key in push.Items[1].Items)
            if (layout.TryReadRow(key.Bytes.Span, out var row)) watcher.Changed(row);
    }
}
