using System.Text.Json.Serialization;
using System.Threading.Channels;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Configuration.Tests;

internal sealed record Cart(int Quantity)
{
    public static Cart Empty { get; } = new(0);
}

internal sealed record Order(string Product);

internal sealed record OldOrder(string Item);

internal sealed record Said(string Text);

internal sealed record Room(int Count) : IFold<Room, Said>
{
    public Room Apply(Said e) => new(Count + 1);
}

[JsonSerializable(typeof(Cart))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(OldOrder))]
[JsonSerializable(typeof(Room))]
[JsonSerializable(typeof(Said))]
internal sealed partial class ShopJson : JsonSerializerContext;

internal static class Given
{
    /// <summary>The section <c>Stateside</c> of a JSON file.</summary>
    public static IConfigurationSection Section(string json)
    {
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes($$"""{ "Stateside": {{json}} }"""));
        return new ConfigurationBuilder().AddJsonStream(stream).Build().GetSection("Stateside");
    }

    public static StatesideBuilder Builder(string json = "{}") => new ServiceCollection().AddStatesideEngine(Section(json));

    public static StatesideBuilder Shop(string json = "{}") => Builder(json)
        .AddState("cart", ShopJson.Default.Cart, empty: Cart.Empty)
        .AddState("order", ShopJson.Default.Order, needs: Needs.Durable | Needs.Current);

    public static (StatesideModel Model, string[] Faults) Read(StatesideBuilder builder)
    {
        var faults = new List<ConfigurationFault>();
        var model = ConfigurationReader.Read(builder.Configuration, builder.Definitions, faults);
        return (model, [.. faults.Select(f => f.ToString())]);
    }

    public static string[] Faults(string json) => Read(Shop(json)).Faults;

    public static StateDefinition Definition(StatesideBuilder builder, string name) => builder.Definitions.Single(d => d.Name == name);
}

/// <summary>A store that declares what a test says and does nothing else.</summary>
internal sealed class FakeStore(StoreCapabilities capabilities) : IStore
{
    public int Opened { get; private set; }

    public int Disposed { get; private set; }

    /// <summary>What clean-ups answer, one after the other; then 0.</summary>
    public Queue<Func<int>> Removals { get; } = new();

    /// <summary>The limit of each clean-up.</summary>
    public Channel<int> CleanUps { get; } = Channel.CreateUnbounded<int>();

    public StoreException? OpenFault { get; init; }

    public static StoreCapabilities Capable(
        string name = "fake", Durability durability = Durability.Disk, StoreReach reach = StoreReach.Machine, bool watchable = false,
        int maxBodyBytes = MemoryStore.MaxBodyBytes, params StoreFact[] facts) => new(name, durability, reach, watchable, maxBodyBytes, facts);

    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken)
    {
        Opened++;
        return OpenFault is null ? new(capabilities) : throw OpenFault;
    }

    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken)
    {
        CleanUps.Writer.TryWrite(limit);
        return new(Removals.TryDequeue(out var next) ? next() : 0);
    }

    public void Watch(IStoreWatcher watcher) { }

    public ValueTask DisposeAsync()
    {
        Disposed++;
        return default;
    }
}

/// <summary>Hands out one store for a scheme.</summary>
internal sealed class FakeProvider(string scheme, IStore? store = null, string? refusal = null) : IStoreProvider
{
    public string Scheme => scheme;

    public string Example => scheme + ":PATH";

    public string? Url { get; private set; }

    public IStore Create(string url, TimeProvider time)
    {
        Url = url;
        return refusal is null ? store ?? new MemoryStore(time) : throw new FormatException(refusal);
    }
}
