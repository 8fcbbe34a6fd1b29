namespace Stateside.Tool;

/// <summary>What a command meets outside itself; tests bring their own.</summary>
/// <param name="Out">Where results go.</param>
/// <param name="Error">Where errors and, if <paramref name="Out"/> is for a program, progress goes.</param>
/// <param name="IsTerminal">Whether a person looks at <paramref name="Out"/>: tables and moving progress, else plain lines.</param>
/// <param name="Directory">The current directory; relative paths start here.</param>
/// <param name="Time">The clock.</param>
internal sealed record Surroundings(TextWriter Out, TextWriter Error, bool IsTerminal, string Directory, TimeProvider Time)
{
    public static Surroundings OfProcess() =>
        new(Console.Out, Console.Error, !Console.IsOutputRedirected, Environment.CurrentDirectory, TimeProvider.System);
}

/// <summary>The exit codes, the same for every command.</summary>
internal static class ExitCode
{
    /// <summary>Done, and what was checked holds.</summary>
    public const int Holds = 0;

    /// <summary>Done, and what was checked does not hold.</summary>
    public const int DoesNotHold = 1;

    /// <summary>Not done: the command line, a file or the machine is not as it has to be.</summary>
    public const int Usage = 2;
}

/// <summary>The command cannot be done as asked. The message is one line for the person who typed it, with the fix.</summary>
internal sealed class UsageException(string message) : Exception(message);
