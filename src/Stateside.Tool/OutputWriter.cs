using System.Text;

namespace Stateside.Tool;

/// <summary>Standard output that may be a full disk: what cannot be written is an error for the person, in one line, and none of the program. A closed pipe is no error; the platform ignores it.</summary>
internal sealed class OutputWriter(TextWriter output) : TextWriter(output.FormatProvider)
{
    public override Encoding Encoding => output.Encoding;

    public override void Write(char value) => Try(() => output.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => output.Write(buffer, index, count));

    public override void Write(string? value) => Try(() => output.Write(value));

    public override void WriteLine() => Try(output.WriteLine);

    public override void WriteLine(string? value) => Try(() => output.WriteLine(value));

    public override void Flush() => Try(output.Flush);

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            throw new UsageException($"standard output cannot be written ({e.Message.TrimEnd('.')}).");
        }
    }
}
