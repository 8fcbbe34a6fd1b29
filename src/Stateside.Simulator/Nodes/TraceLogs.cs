using Microsoft.Extensions.Logging;

namespace Stateside.Simulator;

/// <summary>Puts what a node logs between the events of the trace.</summary>
internal sealed class TraceLogs(World world, string node) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) { }

    public void Dispose() { }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        world.Trace.Add(world.Now, node, $"log {formatter(state, exception)}");
}
