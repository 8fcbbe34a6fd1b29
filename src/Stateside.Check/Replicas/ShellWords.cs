using System.Text;

namespace Stateside.Check.Replicas;

/// <summary>Takes a command line apart as a shell would.</summary>
internal static class ShellWords
{
    private const string OnlyForShells = "|&;<>()$`*?[]#~=%!{}\n";

    /// <summary>The words of a simple command (quotes and backslashes are understood), or <c>/bin/sh -c</c> and the text where it takes a shell to run it.</summary>
    public static IReadOnlyList<string> Split(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var (quote, isWord) = ('\0', false);
        for (var i = 0; i < command.Length; i++)
        {
            var c = command[i];
            if (quote != '\0')
            {
                if (c == quote) quote = '\0';
                else if (quote == '"' && c is '$' or '`') return Shell(command);
                else if (quote == '"' && c == '\\' && i + 1 < command.Length && command[i + 1] is '"' or '\\') word.Append(command[++i]);
                else word.Append(c);
            }
            else if (c is '\'' or '"') (quote, isWord) = (c, true);
            else if (c is ' ' or '\t')
            {
                if (isWord) words.Add(word.ToString());
                word.Clear();
                isWord = false;
            }
            else if (c == '\\' && i + 1 < command.Length) (isWord, word) = (true, word.Append(command[++i]));
            // A = makes an assignment of the first word, and is an ordinary character in the others.
            else if (OnlyForShells.Contains(c) && (c != '=' || words.Count == 0)) return Shell(command);
            else (isWord, word) = (true, word.Append(c));
        }
        if (quote != '\0') return Shell(command);
        if (isWord) words.Add(word.ToString());
        return words;
    }

    private static string[] Shell(string command) => ["/bin/sh", "-c", command];
}
