using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Stateside.Simulator;

/// <summary>
/// What happened, in order. Every run keeps its hash, which tells two runs apart that differ in anything; the text is kept only if
/// it was asked for, since writing it costs more than the run: a seed that fails is run again with it.
/// </summary>
internal sealed class Trace(bool isKept)
{
    private readonly List<string> _lines = [];

    public bool IsKept => isKept;

    public ulong Hash { get; private set; } = 14695981039346656037;

    public IReadOnlyList<string> Lines => _lines;

    public void Mix(long value) => Hash = BitOperations.RotateLeft(Hash ^ (ulong)value, 23) * 0x9E3779B97F4A7C15;

    /// <summary>A line; what stands in braces is evaluated only if the text is kept.</summary>
    public void Add(long now, string who, [InterpolatedStringHandlerArgument("")] ref Text text)
    {
        if (isKept) _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{now / (double)TimeSpan.TicksPerSecond,11:F6} {who,-8} {text.ToString()}"));
    }

    /// <summary>The text of a line in the making.</summary>
    [InterpolatedStringHandler]
    internal ref struct Text
    {
        private DefaultInterpolatedStringHandler _inner;
        private readonly bool _isKept;

        public Text(int literals, int holes, Trace trace, out bool isKept)
        {
            isKept = _isKept = trace.IsKept;
            if (isKept) _inner = new(literals, holes, CultureInfo.InvariantCulture);
        }

        public Text(int literals, int holes, World world, out bool isKept) : this(literals, holes, world.Trace, out isKept) { }

        public void AppendLiteral(string text) => _inner.AppendLiteral(text);

        public void AppendFormatted<T>(T value) => _inner.AppendFormatted(value);

        public override string ToString() => _isKept ? _inner.ToStringAndClear() : "";
    }
}
