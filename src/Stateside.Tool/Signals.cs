using System.Runtime.InteropServices;

namespace Stateside.Tool;

/// <summary>
/// Turns Ctrl-C, SIGTERM and SIGHUP into a cancellation, so that each command ends its own work in order. A second signal
/// ends the tool at once; what it started then ends by itself, because its standard input closes.
/// </summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    public Signals()
    {
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
    }

    public CancellationToken Token => _source.Token;

    /// <summary>128 plus the signal's number, as shells expect it; 0 if there was none.</summary>
    public int ExitCode { get; private set; }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        var code = context.Signal switch { PosixSignal.SIGINT => 130, PosixSignal.SIGTERM => 143, _ => 129 };
        if (_source.IsCancellationRequested) Environment.Exit(code);
        ExitCode = code;
        _source.Cancel();
    }

    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _source.Dispose();
    }
}
