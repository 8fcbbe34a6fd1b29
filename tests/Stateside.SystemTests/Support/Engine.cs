namespace Stateside.SystemTests.Support;

/// <summary>A store for the shop to run on, by its short name: embedded, or a real server that this starts and stops.</summary>
internal sealed class Engine : IAsyncDisposable
{
    private readonly TempFolder _folder = new();

    private Engine(string url) => Url = url;

    /// <summary>What the shop is told.</summary>
    public string Url { get; private set; }

    public static Task<Engine> StartAsync(string name)
    {
        var engine = new Engine(name + ":");
        if (name == "sqlite") engine.Url = engine._folder.Sqlite();
        return Task.FromResult(engine);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return default;
    }
}
