using Stateside.Tool;

using var signals = new Signals();
Console.SetOut(new OutputWriter(Console.Out));
try
{
    return await CommandLine.RunAsync(args, Surroundings.OfProcess(), signals.Token);
}
catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
{
    return signals.ExitCode;
}
