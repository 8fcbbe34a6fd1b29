using System.Globalization;
using System.Security.Cryptography;

namespace Stateside.Check.Scenarios;

/// <summary>The functions <c>{{$…}}</c> of the three dialects of <c>.http</c> files.</summary>
internal static class Dynamics
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz";
    private const int LongestText = 10_000;

    /// <summary>Why a call is refused, or null.</summary>
    public static string? Refuses(string name, IReadOnlyList<string> arguments) => name switch
    {
        "guid" or "uuid" or "random.uuid" or "isoTimestamp" or "open" or "origin" or "random.email" => arguments.Count == 0 ? null : "takes no arguments",
        "timestamp" => OffsetFault(arguments),
        "datetime" or "localDatetime" => arguments.Count == 0 ? "needs a format: iso8601, rfc1123 or a quoted one" : OffsetFault([.. arguments.Skip(1)]),
        "randomInt" or "random.integer" => arguments.Count is 0 or 2 && arguments.All(a => long.TryParse(a, CultureInfo.InvariantCulture, out _))
            && (arguments.Count == 0 || Number(arguments[0]) < Number(arguments[1])) ? null : "takes no numbers or two whole ones, the smaller first",
        "random.alphabetic" or "random.alphanumeric" or "random.hexadecimal" => arguments.Count == 1 && int.TryParse(arguments[0], out var n) && n is > 0 and <= LongestText
            ? null : $"takes a length of 1 to {LongestText}",
        "processEnv" => arguments.Count == 1 ? null : "takes the name of one environment variable",
        "dotenv" => "is not supported: give the value with --var NAME=VALUE, or in the environment as {{$processEnv NAME}}",
        _ => "is not a known function: guid, randomInt, timestamp, datetime, processEnv and random.… are",
    };

    /// <summary>The value of a call.</summary>
    /// <returns>Null if an environment variable is not set.</returns>
    public static string? Evaluate(string name, IReadOnlyList<string> arguments, string origin, TimeProvider time) => name switch
    {
        "guid" or "uuid" or "random.uuid" => new Guid(RandomNumberGenerator.GetBytes(16)).ToString(),
        "open" => "{{",
        "origin" => origin,
        "isoTimestamp" => time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
        "timestamp" => Shift(time.GetUtcNow(), arguments).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        "datetime" => Date(Shift(time.GetUtcNow(), [.. arguments.Skip(1)]), arguments[0]),
        "localDatetime" => Date(Shift(time.GetLocalNow(), [.. arguments.Skip(1)]), arguments[0]),
        "randomInt" or "random.integer" => (arguments.Count == 0 ? RandomLong(0, 1000) : RandomLong(Number(arguments[0]), Number(arguments[1]))).ToString(CultureInfo.InvariantCulture),
        "random.alphabetic" => RandomNumberGenerator.GetString(Alphabet, int.Parse(arguments[0], CultureInfo.InvariantCulture)),
        "random.alphanumeric" => RandomNumberGenerator.GetString(Alphabet + "0123456789", int.Parse(arguments[0], CultureInfo.InvariantCulture)),
        "random.hexadecimal" => RandomNumberGenerator.GetHexString(int.Parse(arguments[0], CultureInfo.InvariantCulture), lowercase: true),
        "random.email" => RandomNumberGenerator.GetString(Alphabet, 12) + "@example.com",
        _ => Environment.GetEnvironmentVariable(arguments[0].TrimStart('%')),
    };

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static long RandomLong(long from, long to) => from + (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) % (ulong)(to - from));

    private static string? OffsetFault(IReadOnlyList<string> arguments) =>
        arguments.Count == 0 || (arguments.Count == 2 && int.TryParse(arguments[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n)
            && Math.Abs(n) <= 100_000 && arguments[1] is "y" or "M" or "w" or "d" or "h" or "m" or "s" or "ms") ? null : "takes an offset such as -3 h (y, M, w, d, h, m, s, ms)";

    private static DateTimeOffset Shift(DateTimeOffset time, IReadOnlyList<string> offset)
    {
        if (offset.Count == 0) return time;
        var n = int.Parse(offset[0], CultureInfo.InvariantCulture);
        return offset[1] switch
        {
            "y" => time.AddYears(Math.Clamp(n, -1000, 1000)),
            "M" => time.AddMonths(Math.Clamp(n, -12_000, 12_000)),
            "w" => time.AddDays(7L * n),
            "d" => time.AddDays(n),
            "h" => time.AddHours(n),
            "m" => time.AddMinutes(n),
            "s" => time.AddSeconds(n),
            _ => time.AddMilliseconds(n),
        };
    }

    private static string Date(DateTimeOffset time, string format) => format switch
    {
        "iso8601" => time.ToString("yyyy-MM-ddTHH:mm:ss.fffK", CultureInfo.InvariantCulture),
        "rfc1123" => time.ToString("R", CultureInfo.InvariantCulture),
        _ => time.ToString(format.Replace('Y', 'y').Replace('D', 'd'), CultureInfo.InvariantCulture),
    };
}
