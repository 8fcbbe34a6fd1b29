using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Configuration.Tests;

public sealed class HostTests
{
    private static readonly StateKey CartKey = new(Group.Keyed("a"), "cart");

    [Fact]
    public async Task A_started_host_runs_turns_on_the_memory_store()
    {
        using var host = Host("""{ "Store": "memory:", "States": { "cart": { "Expires": "00:10:00", "MaxBytes": 1000 } } }""", AddCart);
        await host.StartAsync();

        var states = host.Services.GetRequiredService<IStates>();
        Assert.Equal(new Cart(2), await states.RunAsync<Cart>(CartKey, c => new Cart(c.Quantity + 2)));
        Assert.Equal(new Cart(2), (await states.ReadAsync<Cart>(CartKey)).Value);

        var definition = host.Services.GetRequiredService<StateRegistry>().Find("cart")!;
        Assert.Equal((TimeSpan.FromMinutes(10), 1000), (definition.TimeToLive, definition.MaxBytes));
        await host.StopAsync();
    }

    [Fact]
    public async Task Before_the_start_and_after_the_stop_there_is_no_runtime_and_the_error_says_so()
    {
        using var host = Host("""{ "Store": "memory:" }""", AddCart);
        var states = host.Services.GetRequiredService<IStates>();
        const string words = "Stateside runs from the start of the host to its stop, and the host does not run. Use states after host.StartAsync(), or in a hosted service.";

        Assert.Equal(words, (await Assert.ThrowsAsync<InvalidOperationException>(() => states.ReadAsync<Cart>(CartKey).AsTask())).Message);
        await host.StartAsync();
        await states.ReadAsync<Cart>(CartKey);
        await host.StopAsync();
        Assert.Equal(words, (await Assert.ThrowsAsync<InvalidOperationException>(() => states.ReadAsync<Cart>(CartKey).AsTask())).Message);
    }

    [Fact]
    public async Task Services_that_start_before_it_and_stop_after_it_still_find_the_store_open()
    {
        var store = new FakeStore(FakeStore.Capable());
        var disposed = new List<int>();
        using var host = Host(
            """{ "Store": "fake:" }""",
            builder => AddCart(builder.AddStore(new FakeProvider("fake", store))),
            services => services.AddHostedService(p => new Watcher(p.GetRequiredService<StatesideRuntimeHolder>(), () => disposed.Add(store.Disposed))));

        await host.StartAsync();
        await host.StopAsync();

        // The watcher was registered first, so its StartAsync came first and its StopAsync last.
        Assert.Equal([0, 0], disposed);
        Assert.Equal((1, 1), (store.Opened, store.Disposed));
    }

    [Fact]
    public async Task All_faults_of_the_configuration_stop_the_start()
    {
        using var host = Host("""{ "Store": "nothing", "Stor": "memory:", "Limits": { "MaxRuns": 0 } }""", AddCart);
        var e = await Assert.ThrowsAsync<StatesideConfigurationException>(() => host.StartAsync());
        Assert.Equal(["SS2001", "SS2006", "SS2005"], e.Faults.Select(f => f.Code));
        Assert.StartsWith("Stateside cannot start: 3 faults.\n  SS2001 Stateside:Stor is not an entry.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_was_made_for_a_faulty_configuration_is_not_opened_and_let_go()
    {
        var store = new FakeStore(FakeStore.Capable());
        using var host = Host("""{ "Store": "fake:", "Stor": "x" }""", builder => AddCart(builder.AddStore(new FakeProvider("fake", store))));
        await Assert.ThrowsAsync<StatesideConfigurationException>(() => host.StartAsync());
        Assert.Equal((0, 1), (store.Opened, store.Disposed));
    }

    [Fact]
    public async Task An_unfit_store_stops_the_start_and_is_let_go()
    {
        var store = new FakeStore(FakeStore.Capable("fake", Durability.None));
        using var host = Host("""{ "Store": "fake:" }""", builder => builder
            .AddStore(new FakeProvider("fake", store))
            .AddState("cart", ShopJson.Default.Cart, needs: Needs.Durable)
            .AddState("order", ShopJson.Default.Order, needs: Needs.Durable));
        var e = await Assert.ThrowsAsync<StatesideConfigurationException>(() => host.StartAsync());
        Assert.Equal(["SS2003", "SS2003"], e.Faults.Select(f => f.Code));
        Assert.Equal((1, 1), (store.Opened, store.Disposed));
    }

    [Fact]
    public async Task SS3007_a_store_that_cannot_be_opened_is_one_line()
    {
        var store = new FakeStore(FakeStore.Capable()) { OpenFault = new StoreException("The directory of the file cannot be written. Choose another.", Applied.No) };
        using var host = Host("""{ "Store": "fake:" }""", builder => AddCart(builder.AddStore(new FakeProvider("fake", store))));
        var e = await Assert.ThrowsAsync<StatesideException>(() => host.StartAsync());
        Assert.Equal("SS3007 The directory of the file cannot be written. Choose another.", e.Message);
        Assert.Equal(1, store.Disposed);
    }

    [Fact]
    public async Task A_store_in_the_service_container_is_used_whatever_the_url_and_is_not_disposed()
    {
        var store = new FakeStore(FakeStore.Capable());
        using (var host = Host("""{ "Store": "redis://user:secret@nowhere" }""", AddCart, services => services.AddSingleton<IStore>(store)))
        {
            await host.StartAsync();
            Assert.Same(store, host.Services.GetRequiredService<StatesideRuntimeHolder>().Runtime.Store);
            await host.StopAsync();
        }
        Assert.Equal((1, 0), (store.Opened, store.Disposed));
    }

    [Fact]
    public async Task Where_another_service_fails_to_start_the_store_is_let_go_with_the_host()
    {
        var store = new FakeStore(FakeStore.Capable());
        using (var host = Host(
            """{ "Store": "fake:" }""", builder => AddCart(builder.AddStore(new FakeProvider("fake", store))),
            services => services.AddHostedService(_ => new Watcher(null, () => throw new InvalidOperationException("boom")))))
        {
            Assert.Equal("boom", (await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync())).Message);
        }
        Assert.Equal((1, 1), (store.Opened, store.Disposed));
    }

    [Fact]
    public async Task The_log_says_which_store_is_open_and_where_each_state_lives()
    {
        var log = new Lines();
        using var host = Host("""{ "Store": "memory:" }""", AddCart, services => services.AddSingleton<ILoggerProvider>(log));
        await host.StartAsync();
        await host.StopAsync();
        Assert.Equal(
            ["1000 Stateside has opened the store memory: durability None, reach Process.", "1001 State cart lives in place Store."],
            log.Written.Where(l => l.StartsWith("100", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Clean_up_runs_every_minute_or_so_and_again_soon_while_there_is_more()
    {
        var (store, time) = (new FakeStore(FakeStore.Capable()), new ManualClock());
        store.Removals.Enqueue(() => StatesideHostedService.CleanUpBatch);
        store.Removals.Enqueue(() => StatesideHostedService.CleanUpBatch - 1);
        using var host = Host("{}", AddCart, services => services.AddSingleton<IStore>(store).AddSingleton<TimeProvider>(time));
        await host.StartAsync();

        var first = await time.NextWaitAsync();
        Assert.InRange(first, TimeSpan.FromSeconds(54), TimeSpan.FromSeconds(66));
        time.Advance(first - TimeSpan.FromTicks(1));
        Assert.False(store.CleanUps.Reader.TryRead(out _));
        time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(StatesideHostedService.CleanUpBatch, await NextCleanUpAsync(store));

        Assert.Equal(StatesideHostedService.CleanUpPause, await time.NextWaitAsync());
        time.Advance(StatesideHostedService.CleanUpPause);
        await NextCleanUpAsync(store);

        Assert.InRange(await time.NextWaitAsync(), TimeSpan.FromSeconds(54), TimeSpan.FromSeconds(66));
        await host.StopAsync();
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(store.CleanUps.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Clean_up_that_fails_is_told_and_tried_again()
    {
        var (store, time, log) = (new FakeStore(FakeStore.Capable()), new ManualClock(), new Lines());
        store.Removals.Enqueue(() => throw new StoreException("locked", Applied.No));
        store.Removals.Enqueue(() => throw new OperationCanceledException("a time-out of the store's own"));
        using var host = Host(
            "{}", AddCart, services => services.AddSingleton<IStore>(store).AddSingleton<TimeProvider>(time).AddSingleton<ILoggerProvider>(log));
        await host.StartAsync();

        for (var i = 0; i < 3; i++)
        {
            time.Advance(await time.NextWaitAsync());
            await NextCleanUpAsync(store);
        }
        await time.NextWaitAsync();
        await host.StopAsync();
        Assert.Equal(2, log.Written.Count(l => l == "1021 Clean-up failed; it is tried again later."));
    }

    private static async Task<int> NextCleanUpAsync(FakeStore store) =>
        await store.CleanUps.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    private static void AddCart(StatesideBuilder builder) => builder.AddState("cart", ShopJson.Default.Cart, empty: Cart.Empty);

    private static IHost Host(string json, Action<StatesideBuilder> states, Action<IServiceCollection>? services = null)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.SetMinimumLevel(LogLevel.Debug);
        services?.Invoke(builder.Services);
        states(builder.Services.AddStatesideEngine(Given.Section(json)));
        return builder.Build();
    }

    /// <summary>A hosted service that looks at its start and at its stop whether the engine runs.</summary>
    private sealed class Watcher(StatesideRuntimeHolder? holder, Action look) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Look();

        public Task StopAsync(CancellationToken cancellationToken) => Look();

        private Task Look()
        {
            if (holder is not null) Assert.NotNull(holder.Runtime);
            look();
            return Task.CompletedTask;
        }
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly List<string> _written = [];

        public IReadOnlyList<string> Written
        {
            get
            {
                lock (_written) return [.. _written];
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_written) _written.Add($"{eventId.Id} {formatter(state, exception)}");
        }

        public void Dispose() { }
    }
}
