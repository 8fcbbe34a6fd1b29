using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Stateside.Redis.Resp;

/// <summary>A command and its arguments. Arguments are always sent as strings with their length in front, so none can be taken for anything else.</summary>
internal readonly struct RespCommand
{
    private readonly ReadOnlyMemory<byte> _name;
    private readonly ReadOnlyMemory<byte>[] _arguments;
    private readonly ReadOnlyMemory<byte>[] _more;

    private RespCommand(string name, ReadOnlyMemory<byte>[] arguments, ReadOnlyMemory<byte>[] more) => (_name, _arguments, _more) = (Encoding.ASCII.GetBytes(name), arguments, more);

    /// <summary>A command with its arguments.</summary>
    public static RespCommand Of(string name, params ReadOnlyMemory<byte>[] arguments) => new(name, arguments, []);

    /// <summary>A command with arguments in two parts, so that nobody has to join them.</summary>
    public static RespCommand Of(string name, ReadOnlyMemory<byte>[] first, ReadOnlyMemory<byte>[] then) => new(name, first, then);

    /// <summary>A command of words, for the few that are sent when a connection begins.</summary>
    public static RespCommand OfWords(string name, params string[] words) => new(name, Array.ConvertAll(words, w => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(w)), []);

    /// <summary>Writes it as RESP.</summary>
    public void WriteTo(IBufferWriter<byte> to)
    {
        WriteHeader(to, (byte)'*', 1 + _arguments.Length + _more.Length);
        WriteBlob(to, _name.Span);
        foreach (var argument in _arguments) WriteBlob(to, argument.Span);
        foreach (var argument in _more) WriteBlob(to, argument.Span);
    }

    private static void WriteBlob(IBufferWriter<byte> to, ReadOnlySpan<byte> bytes)
    {
        WriteHeader(to, (byte)'$', bytes.Length);
        var span = to.GetSpan(bytes.Length + 2);
        bytes.CopyTo(span);
        "\r\n"u8.CopyTo(span[bytes.Length..]);
        to.Advance(bytes.Length + 2);
    }

    private static void WriteHeader(IBufferWriter<byte> to, byte type, int number)
    {
        var span = to.GetSpan(16);
        span[0] = type;
        number.TryFormat(span[1..], out var digits, default, CultureInfo.InvariantCulture);
        "\r\n"u8.CopyTo(span[(1 + digits)..]);
        to.Advance(digits + 3);
    }
}

/// <summary>A Lua script, run by its hash and sent whole only where the server does not know it.</summary>
internal sealed class RedisScript
{
    /// <summary>Makes one from its source.</summary>
    /// <param name="source">The script. It takes keys and arguments; nothing from outside is ever part of it.</param>
    [SuppressMessage("Security", "CA5350", Justification = "SHA-1 is the server's own name for a script (EVALSHA), and protects nothing.")]
    public RedisScript(string source)
    {
        Source = Encoding.UTF8.GetBytes(source);
        Hash = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA1.HashData(Source.Span)));
    }

    public ReadOnlyMemory<byte> Source { get; }

    public ReadOnlyMemory<byte> Hash { get; }
}
