using Stateside.Tool;

using var signals = new Signals();
try
{
    return await CommandLine.RunAsync(args, Surroundings.OfProcess(), signals.Token);
}
catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
{
    return signals.ExitCode;
}
