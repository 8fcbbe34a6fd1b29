namespace Stateside.Samples;

/// <summary>
/// Ends a sample together with the program that started it. <c>stateside up</c> holds the other end of standard input
/// and never writes to it; when that end closes, even by <c>kill -9</c>, reading ends and the sample stops cleanly.
/// </summary>
internal static class StopWithParent
{
    /// <summary>Set to 1 by the program that starts the sample. Without it standard input means nothing.</summary>
    public const string Variable = "STATESIDE_STOP_ON_STDIN_EOF";

    /// <summary>Call it once, before the application runs.</summary>
    public static void Watch(IHostApplicationLifetime lifetime)
    {
        if (Environment.GetEnvironmentVariable(Variable) != "1") return;
        new Thread(() =>
        {
            using var input = Console.OpenStandardInput();
            Span<byte> ignored = stackalloc byte[64];
            while (input.Read(ignored) > 0) { }
            lifetime.StopApplication();
        })
        { IsBackground = true, Name = "stop with parent" }.Start();
    }
}
