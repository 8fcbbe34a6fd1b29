using Stateside.Check.Replicas;

namespace Stateside.Check.Tests.Replicas;

public sealed class ShellWordsTests
{
    [Theory]
    [InlineData("node app.js --port 80", "node|app.js|--port|80")]
    [InlineData("  a   b  ", "a|b")]
    [InlineData("a 'b c' \"d e\" f\\ g", "a|b c|d e|f g")]
    [InlineData("a '' b", "a||b")]
    [InlineData("a \"say \\\"x\\\"\"", "a|say \"x\"")]
    [InlineData("a --x=1", "a|--x=1")]
    public void A_simple_command_is_taken_apart_as_a_shell_would(string command, string words) => Assert.Equal(words.Split('|'), ShellWords.Split(command));

    [Theory]
    [InlineData("a | b")]
    [InlineData("cd x && a")]
    [InlineData("A=1 a")]
    [InlineData("a $X")]
    [InlineData("a \"$X\"")]
    [InlineData("a > b")]
    [InlineData("a *.js")]
    [InlineData("a 'b")]
    public void What_takes_a_shell_is_left_to_one(string command) => Assert.Equal(["/bin/sh", "-c", command], ShellWords.Split(command));
}
