using System.Globalization;
using System.Text;
using Stateside.Check.Conversations;

namespace Stateside.Check.Replicas;

/// <summary>Writes for bash how launched replicas are started, so that what a check found can be seen again after its replicas are gone.</summary>
internal static class LaunchScript
{
    /// <summary>Functions that start each replica and wait until it serves, and one that kills; then the calls.</summary>
    public static string Write(LaunchOptions options, IReadOnlyList<(int Number, Uri Address)> replicas)
    {
        var text = new StringBuilder("RUN=$(mktemp -d)\n");
        if (options.Mask(options.Command) != options.Command) text.Append("# The command holds secrets, which are masked here: put them in.\n");
        foreach (var (number, address) in replicas)
            text.Append(CultureInfo.InvariantCulture,
                $"start_{number}() {{ mkdir -p \"$RUN/replica-{number}\"; (cd {Word(Path.GetFullPath(options.WorkingDirectory), number)} && {Environment(options, number, address)}exec setsid sh -c {Word(LaunchFill.Command(options with { Command = options.Mask(options.Command) }, number, address), number)}) </dev/null >\"$RUN/{number}.log\" 2>&1 & echo $! >\"$RUN/{number}.pid\"; disown $!; serves {number} {Word(new Uri(address, options.Ready).ToString(), number)}; }}\n");
        // What is disowned ends without a word of the shell's; what does not serve, or ends before, ends the script, since nothing after it would mean anything.
        text.Append(CultureInfo.InvariantCulture, $"serves() {{ for _ in $(seq {Math.Ceiling(options.ReadyWithin.TotalSeconds * 5):0}); do curl -s -m 10 -o /dev/null \"$2\" && return; kill -0 \"$(cat \"$RUN/$1.pid\")\" 2>/dev/null || break; sleep 0.2; done; echo \"replica $1 does not serve $2, so nothing can be shown. It said last:\"; tail -n 20 \"$RUN/$1.log\"; exit 1; }}\n");
        text.Append("stop() { { kill -9 -- \"-$(cat \"$RUN/$1.pid\")\"; for _ in $(seq 50); do kill -0 -- \"-$(cat \"$RUN/$1.pid\")\" || break; sleep 0.05; done; } 2>/dev/null; }\n");
        text.Append(CultureInfo.InvariantCulture, $"trap '{string.Join("; ", replicas.Select(r => $"stop {r.Number}"))}; rm -rf \"$RUN\"' EXIT\n");
        return text.Append(string.Join("; ", replicas.Select(r => $"start_{r.Number}"))).Append('\n').ToString();
    }

    private static string Environment(LaunchOptions options, int number, Uri address) => string.Concat(options.Environment.Select(e =>
        Masks.IsSecretName(e.Key) || options.Mask(e.Value) != e.Value ? $"export {e.Key}=\"${{{e.Key}:?set it to its secret}}\" && " : $"export {e.Key}={Word(LaunchFill.Text(e.Value, number, address), number)} && "));

    /// <summary>A text as one word of the shell, the replica's directory filled in.</summary>
    private static string Word(string text, int number) => string.Join($"\"$RUN/replica-{number}\"", text
        .Split("{dir}").Select(part => part.Length == 0 ? "" : $"'{part.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
}
