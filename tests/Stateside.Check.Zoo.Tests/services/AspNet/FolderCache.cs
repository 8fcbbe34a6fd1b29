using Microsoft.Extensions.Caching.Distributed;

namespace Zoo.AspNet;

/// <summary>A distributed cache over a folder that all replicas see; entries do not expire.</summary>
internal sealed class FolderCache(Folder folder) : IDistributedCache
{
    public byte[]? Get(string key) => folder.Get(key) is { } text ? Convert.FromBase64String(text) : null;

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => folder.Set(key, Convert.ToBase64String(value));

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        Set(key, value, options);
        return Task.CompletedTask;
    }

    public void Refresh(string key) { }

    public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

    public void Remove(string key) => folder.Remove(key);

    public Task RemoveAsync(string key, CancellationToken token = default)
    {
        Remove(key);
        return Task.CompletedTask;
    }
}
