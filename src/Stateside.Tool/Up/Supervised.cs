namespace Stateside.Tool.Up;

/// <summary>One process of the shop under supervision: started, waited for, and started again a second after it has died.</summary>
/// <param name="name">What it is called in messages, as <c>node 1</c>.</param>
/// <param name="plan">What is started.</param>
/// <param name="url">Where it listens.</param>
/// <param name="data">Where its log and its process id go.</param>
/// <param name="restart">Whether it is started again.</param>
/// <param name="tell">Tells what happens.</param>
/// <param name="time">The clock.</param>
internal sealed class Supervised(string name, ShopPlan plan, string url, string data, bool restart, Action<string> tell, TimeProvider time) : IDisposable
{
    private readonly string _log = Path.Combine(data, FileName(name) + ".log");
    private NodeProcess? _node;

    public string Name => name;

    public string Url => url;

    /// <summary>The file that holds its process id while it runs.</summary>
    public string PidFile { get; } = Path.Combine(data, FileName(name) + ".pid");

    /// <summary>How often it has been started again.</summary>
    public int Restarts { get; private set; }

    public bool IsRunning => _node is { HasExited: false };

    /// <summary>Starts it and waits until it serves.</summary>
    /// <exception cref="UsageException">It does not; with its last words.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        File.WriteAllText(_log, "");
        Start();
        if (!await _node!.WaitUntilReadyAsync(url, cancellationToken))
            throw new UsageException($"{(name == "node 1" ? "the shop" : name)} did not start:\n{string.Join('\n', _node.LastWords())}\nIts whole log: {_log}");
    }

    /// <summary>Waits until it ends for good: that is at its first death, unless it is to be started again.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _node!.WaitForExitAsync(cancellationToken);
            tell($"{name} (process {_node.Id}) ended with exit code {_node.ExitCode}{(restart ? "; it is started again in a second" : "")}");
            if (!restart) return;
            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            _node.Dispose();
            Start();
            Restarts++;
            tell(await _node.WaitUntilReadyAsync(url, cancellationToken)
                ? $"{name} (process {_node.Id}) serves again"
                : $"{name} (process {_node.Id}) is not ready; its log: {_log}");
        }
    }

    public async Task StopAsync()
    {
        if (_node is not null && !await _node.StopAsync()) tell($"{name} did not end in time and was killed");
        File.Delete(PidFile);
    }

    public void Dispose() => _node?.Dispose();

    private void Start()
    {
        _node = NodeProcess.Start(plan, url, _log, time);
        File.WriteAllText(PidFile, $"{_node.Id}\n");
    }

    private static string FileName(string name) => name.Replace(' ', '-');
}
