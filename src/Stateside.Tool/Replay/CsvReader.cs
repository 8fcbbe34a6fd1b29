using System.Text;

namespace Stateside.Tool.Replay;

/// <summary>
/// Reads comma-separated values as RFC 4180 has them: fields in quotes may hold commas, line ends and doubled quotes;
/// records end with LF or CRLF. Reads ahead one buffer, never the whole file.
/// </summary>
internal sealed class CsvReader(TextReader input)
{
    /// <summary>Most characters in one field: a quote that is never closed must not read the rest of the file into memory.</summary>
    public const int MaxFieldLength = 64 * 1024;

    private const int MaxFields = 1024;

    private readonly char[] _buffer = new char[32 * 1024];
    private readonly StringBuilder _field = new();
    private int _length;
    private int _next;

    /// <summary>The number of the record that was read last; the first, usually the header, is 1.</summary>
    public long Record { get; private set; }

    /// <summary>Reads the next record into <paramref name="fields"/>. False at the end of the file.</summary>
    /// <exception cref="FormatException">The file is not of this form; the message names the record.</exception>
    public bool Read(List<string> fields)
    {
        fields.Clear();
        if (Peek() < 0) return false;
        Record++;
        while (true)
        {
            if (fields.Count == MaxFields) throw Broken($"has more than {MaxFields} fields");
            fields.Add(Peek() == '"' ? ReadQuoted() : ReadPlain());
            switch (Take())
            {
                case ',': continue;
                case '\r' when Peek() is '\n' or -1: Take(); return true;
                case '\n' or -1: return true;
                default: throw Broken("has text after a closing quote");
            }
        }
    }

    private string ReadPlain()
    {
        _field.Clear();
        while (Peek() is var c && c is not (',' or '\n' or -1) && !(c == '\r' && AtLineEnd()))
        {
            if (c == '"') throw Broken("has a quote inside a field that does not begin with one");
            Append((char)Take());
        }

        return _field.ToString();
    }

    private string ReadQuoted()
    {
        _field.Clear();
        Take();
        while (true)
        {
            var c = Take();
            if (c < 0) throw Broken("has a quote that is never closed");
            if (c == '"')
            {
                if (Peek() != '"') return _field.ToString();
                Take();
            }

            Append((char)c);
        }
    }

    private void Append(char c)
    {
        if (_field.Length == MaxFieldLength) throw Broken($"has a field longer than {MaxFieldLength} characters; is a quote not closed?");
        _field.Append(c);
    }

    // A carriage return ends a record only together with a line feed (or the file); anywhere else it is text.
    private bool AtLineEnd()
    {
        if (_next + 1 >= _length) Refill();
        return _next + 1 >= _length || _buffer[_next + 1] == '\n';
    }

    private int Peek()
    {
        if (_next >= _length) Refill();
        return _next < _length ? _buffer[_next] : -1;
    }

    private int Take()
    {
        var c = Peek();
        if (c >= 0) _next++;
        return c;
    }

    private void Refill()
    {
        _buffer.AsSpan(_next, _length - _next).CopyTo(_buffer);
        (_length, _next) = (_length - _next, 0);
        _length += input.ReadBlock(_buffer, _length, _buffer.Length - _length);
    }

    private FormatException Broken(string how) => new($"record {Record} {how}");
}
