using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Stateside.Tool;

/// <summary>The commands, and the rules that all of them keep: exit codes, one line per error, examples in the help.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command line and returns its exit code (<see cref="ExitCode"/>).</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled, and what was going on is cleaned up.</exception>
    public static async Task<int> RunAsync(string[] args, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var parsed = Root(surroundings).Parse(args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            var command = PathOf(parsed.CommandResult);
            var message = string.Join(' ', Message(parsed.Errors[0]).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            surroundings.Error.WriteLine($"stateside{command}: {message} See: ./stateside{command} --help");
            return ExitCode.Usage;
        }

        try
        {
            var code = await parsed.InvokeAsync(Invocation(surroundings), cancellationToken);
            return args.Length == 0 ? ExitCode.Usage : code;
        }
        catch (UsageException e)
        {
            surroundings.Error.WriteLine($"stateside{PathOf(parsed.CommandResult)}: {e.Message}");
            return ExitCode.Usage;
        }
    }

    /// <summary>What is wrong. Of a number that is none it is said what the option takes, which its description names, instead of the type in this program.</summary>
    private static string Message(ParseError error) => error.SymbolResult is OptionResult { Option: var option, Tokens: [.., var given] } && (option.ValueType == typeof(int) || option.ValueType == typeof(double))
        ? $"{option.Name} takes a {(option.ValueType == typeof(int) ? "whole number" : "number")}, not '{given.Value}': {option.Description}"
        : error.Message;

    /// <summary>The command as it is typed, each name after a space: a command of a command is not found by its own name.</summary>
    private static string PathOf(CommandResult command) =>
        command.Command is RootCommand ? "" : (command.Parent is CommandResult parent ? PathOf(parent) : "") + " " + command.Command.Name;

    // Signals are the program's own (Signals), and no exception is expected here: one that comes is a bug and shows its trace.
    private static InvocationConfiguration Invocation(Surroundings surroundings) => new()
    {
        Output = surroundings.Out,
        Error = surroundings.Error,
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = null,
    };

    private static RootCommand Root(Surroundings surroundings)
    {
        var root = new RootCommand("Stateless, hybrid, stateful: runs the sample shop of Stateside and checks that it keeps its promises.")
        {
            UpCommand.Create(surroundings),
            ReplayCommand.Create(surroundings),
            DoctorCommand.Create(surroundings),
            KeysCommand.Create(surroundings),
            TestCommand.Create(surroundings),
            BenchCommand.Create(surroundings),
            SimulateCommand.Create(surroundings),
            TortureCommand.Create(surroundings),
            CheckCommand.Create(surroundings),
        };
        root.HelpName = "./stateside";
        Examples(root, "./stateside up", "./stateside replay samples/Shop/data/online-retail-2010-12.csv.gz --url http://127.0.0.1:8080");
        return root;
    }

    /// <summary>Puts examples below the help of a command.</summary>
    public static void Examples(Command command, params string[] lines)
    {
        var help = command.Options.OfType<HelpOption>().FirstOrDefault();
        if (help is null) command.Add(help = new HelpOption());
        help.Action = new HelpWithExamples((HelpAction)help.Action!, command, lines);
    }

    private sealed class HelpWithExamples(HelpAction inner, Command owner, string[] lines) : SynchronousCommandLineAction
    {
        // An error elsewhere on the line must not keep the help from being shown.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var code = inner.Invoke(parseResult);
            // The root's help option serves every command below it that brings none of its own.
            if (parseResult.CommandResult.Command != owner) return code;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var line in lines) output.WriteLine("  " + line);
            output.WriteLine();
            output.WriteLine("Exit codes: 0 done and holds, 1 does not hold, 2 wrong usage or bad input.");
            return code;
        }
    }
}
