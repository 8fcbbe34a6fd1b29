using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Stateside.Check.Comparing;

/// <summary>What twin runs say of the value at one place: what stays, what counts up, what repeats an earlier value of the same run, what is noise.</summary>
internal sealed partial class TextRule
{
    /// <summary>In minutes: what lies further ahead is another time, and not the same clock.</summary>
    private const int LongestCheck = 10;

    private enum Kind { Same, Grows, Repeats, Varies }

    /// <param name="What">What the word is.</param>
    /// <param name="Text">The word that stays, or the name of the value it repeats.</param>
    /// <param name="By">How much the number grows with every run.</param>
    private sealed record Word(Kind What, string? Text = null, decimal By = 0);

    private readonly string? _raw;
    private readonly string? _frame;
    private readonly IReadOnlyList<Word> _words;

    private TextRule(string? raw, string? frame, IReadOnlyList<Word> words) => (_raw, _frame, _words) = (raw, frame, words);

    /// <summary>The values that came, where they vary.</summary>
    private IReadOnlyCollection<string> Seen { get; init; } = [];

    /// <summary>The rule of a value that comes in some runs and not in others; nothing of it is compared.</summary>
    /// <param name="values">The values that came.</param>
    public static TextRule Sometimes(IReadOnlyCollection<string> values) => new(null, null, []) { IsSometimes = true, Seen = values };

    /// <summary>Whether the value comes in some runs and not in others.</summary>
    public bool IsSometimes { get; private init; }

    /// <summary>Whether nothing of the value is compared.</summary>
    public bool IsNoise => _raw is null && (_frame is null || _words.All(w => w.What == Kind.Varies));

    /// <summary>Whether the value is the same in all runs.</summary>
    public bool IsConstant => _raw is not null;

    /// <summary>
    /// Whether the value varies from run to run by itself (it neither grows nor repeats anything) and was this one in some: then that it is the same in a few more runs may be
    /// chance. A value that never came is of another state.
    /// </summary>
    public bool MayBe(string value) => Seen.Contains(value) && _words.All(w => w.What == Kind.Varies || w.What == Kind.Same && !Label().IsMatch(w.Text!));

    /// <summary>Whether a number in it grows by the same amount with every run.</summary>
    public bool Grows => _words.Any(w => w.What == Kind.Grows);

    /// <summary>Whether it repeats a value that a response to an earlier step showed first; what was sent does not count.</summary>
    public bool RepeatsEarlier(int step) => _words.Any(w => w.What is Kind.Same or Kind.Repeats && Origin().Match(w.Text!) is { Success: true } m && int.Parse(m.ValueSpan, CultureInfo.InvariantCulture) < step);

    /// <summary>Whether it repeats a value that one of these sendings showed first.</summary>
    /// <param name="sendings">Their names, as labels begin with them: 3, or 3'1 for the second time that step 3 was sent.</param>
    public bool RestsOn(IReadOnlySet<string> sendings) => sendings.Count > 0 && _words.Any(w => w.Text is not null && Sending().Match(w.Text) is { Success: true } m && sendings.Contains(m.Value));

    /// <summary>Learns from the values of the twin runs, in order, and gives names to those that are new in each run.</summary>
    /// <param name="name">The name of this place, for labels.</param>
    /// <param name="values">The values.</param>
    /// <param name="labels">The labels of the runs.</param>
    /// <param name="isId">Whether the place holds an id: a number there is a name, not an amount.</param>
    public static TextRule Learn(string name, string[] values, Labels[] labels, bool isId)
    {
        if (values.All(v => v == values[0])) return new TextRule(values[0], null, []);
        var shown = values.Select((v, i) => labels[i].Apply(v)).ToArray();
        var taken = shown.Select(Take).ToArray();
        if (taken.Any(t => t.Frame != taken[0].Frame))
        {
            if (shown.All(Labels.IsDistinctive))
                for (var i = 0; i < shown.Length; i++) labels[i].AddText($"<{name}>", shown[i]);
            return new TextRule(null, null, []) { Seen = values };
        }
        var words = new List<Word>();
        for (var w = 0; w < taken[0].Words.Count; w++) words.Add(LearnWord($"{name}~{w}", [.. taken.Select(t => t.Words[w])], labels, isId));
        return new TextRule(null, taken[0].Frame, words) { Seen = values };
    }

    /// <summary>Whether a value fits.</summary>
    /// <param name="value">The value.</param>
    /// <param name="labels">The labels of its run.</param>
    /// <param name="before">The value at the same place of the run just before it, from which what grows is counted.</param>
    /// <param name="sent">The sendings of its run so far, as labels begin with them. Where one of them did not show what this place repeats, that is the difference, or noise; it is not told twice.</param>
    public bool Fits(string value, Labels labels, string? before, IReadOnlySet<string> sent)
    {
        if (_raw is not null) return value == _raw || IsLater(_raw, value);
        if (IsNoise) return true;
        var (frame, words) = Take(labels.Apply(value));
        if (frame != _frame) return IsOfForm(labels.Apply(value));
        var earlier = before is null ? null : Take(before).Words;
        for (var i = 0; i < words.Count; i++)
        {
            var fits = _words[i] switch
            {
                { What: Kind.Same } word => words[i] == word.Text || labels.ValueOf(words[i]) == labels.ValueOf(word.Text!) || !labels.Knows(word.Text!) && Sending().Match(word.Text!) is { Success: true } of && sent.Contains(of.Value),
                { What: Kind.Repeats } word => labels.Is(word.Text!, words[i]) ?? true,
                { What: Kind.Grows } word => GrowsTo(words[i], earlier?.ElementAtOrDefault(i), word.By),
                _ => true,
            };
            if (!fits) return false;
        }
        return true;
    }

    /// <summary>Whether two values differ only in that a clock, hours and minutes and perhaps seconds, has gone on: all twins may be within one minute, or show what came within one second.</summary>
    private static bool IsLater(string before, string now)
    {
        var (was, isNow) = (Clock().Matches(before), Clock().Matches(now));
        if (was.Count == 0 || was.Count != isNow.Count || Clock().Replace(before, "") != Clock().Replace(now, "")) return false;
        return was.Zip(isNow).All(c => c.First.Groups[3].Success == c.Second.Groups[3].Success && (Seconds(c.Second) - Seconds(c.First) + 86_400) % 86_400 <= LongestCheck * 60);
        static int Seconds(Match m) => 3_600 * Part(m.Groups[1]) + 60 * Part(m.Groups[2]) + (m.Groups[3].Success ? Part(m.Groups[3]) : 0);
        static int Part(Group g) => int.Parse(g.ValueSpan, CultureInfo.InvariantCulture);
    }

    /// <summary>Whether a value fits though it falls into other words: a random one may hold what divides words.</summary>
    private bool IsOfForm(string value)
    {
        if (!_words.Any(w => w.What == Kind.Varies)) return false;
        var parts = _frame!.Split('\u0001');
        var form = new StringBuilder("^").Append(Regex.Escape(parts[0]));
        for (var i = 0; i < _words.Count; i++)
            form.Append(_words[i] is { What: Kind.Same, Text: { } text } ? Regex.Escape(text) : _words[i].What == Kind.Varies ? @"\S+" : @"[\w.]+").Append(Regex.Escape(parts[i + 1]));
        return Regex.IsMatch(value, form.Append('$').ToString(), RegexOptions.Singleline | RegexOptions.NonBacktracking);
    }

    /// <summary>Gives the new values of a run their names, as <see cref="Learn"/> did for the twins.</summary>
    public void Name(string name, string value, Labels labels, bool isId)
    {
        if (_raw is not null || IsSometimes) return;
        var shown = labels.Apply(value);
        if (_frame is null)
        {
            if (Labels.IsDistinctive(shown)) labels.AddText($"<{name}>", shown);
            return;
        }
        var (frame, words) = Take(shown);
        if (frame != _frame) return;
        for (var w = 0; w < words.Count; w++)
            if (_words[w].What is Kind.Varies or Kind.Grows) NameWord($"{name}~{w}", words[w], labels, isId);
    }

    /// <summary>The numbers of a value, by their position in it.</summary>
    public static IEnumerable<(int Index, decimal Number)> Numbers(string value) =>
        Take(value).Words.Select((word, i) => (i, Labels.IsNumber(word, out var number) ? number : (decimal?)null)).Where(n => n.Item2 is not null).Select(n => (n.i, n.Item2!.Value));

    private static Word LearnWord(string name, string[] words, Labels[] labels, bool isId)
    {
        if (words.All(w => w == words[0])) return new Word(Kind.Same, words[0]);
        foreach (var known in labels[0].NumberNames)
            if (Enumerable.Range(0, words.Length).All(i => labels[i].Is(known, words[i]) == true)) return new Word(Kind.Repeats, known);
        for (var i = 0; i < words.Length; i++) NameWord(name, words[i], labels[i], isId);
        if (isId || words.Length < 3) return new Word(Kind.Varies);
        var numbers = words.Select(w => Labels.IsNumber(w, out var n) ? n : (decimal?)null).ToArray();
        if (numbers.Any(n => n is null)) return new Word(Kind.Varies);
        var by = numbers[1] - numbers[0];
        return Enumerable.Range(1, numbers.Length - 1).All(i => numbers[i] - numbers[i - 1] == by) ? new Word(Kind.Grows, By: by!.Value) : new Word(Kind.Varies);
    }

    private static void NameWord(string name, string word, Labels labels, bool isId)
    {
        if (Labels.IsDistinctive(word)) labels.AddText($"<{name}>", word);
        else if (isId && Labels.IsNumber(word, out _)) labels.AddNumber(name, word);
    }

    private static bool GrowsTo(string word, string? before, decimal by) =>
        before is null || !Labels.IsNumber(before, out var last) || (Labels.IsNumber(word, out var now) && now == last + by);

    private static (string Frame, IReadOnlyList<string> Words) Take(string text)
    {
        var words = new List<string>();
        var frame = new StringBuilder();
        var at = 0;
        foreach (Match match in Words().Matches(text))
        {
            frame.Append(CultureInfo.InvariantCulture, $"{text.AsSpan(at, match.Index - at)}\u0001");
            words.Add(match.Value);
            at = match.Index + match.Length;
        }
        return (frame.Append(text.AsSpan(at)).ToString(), words);
    }

    // The step in the name of a label: <3:json:$.id~0>, or 3:json:$.id~0 for numbers.
    [GeneratedRegex(@"(?<=^<?)\d+(?=('\d+)?:(?!sent\d))")]
    private static partial Regex Origin();

    // 9:05, 09:05:59, and within an address 09%3A05.
    [GeneratedRegex(@"(?<![\d:.])([01]?\d|2[0-3])(?::|%3[Aa])([0-5]\d)(?:(?::|%3[Aa])([0-5]\d))?(?![\d:.]|%3[Aa])")]
    private static partial Regex Clock();

    [GeneratedRegex(@"(?<=^<?)\d+('\d+)?(?=:(?!sent\d))")]
    private static partial Regex Sending();

    // The name of a value that was sent, or shown first, at a step: <3:sent0>.
    [GeneratedRegex(@"^<\d+('\d+)?:")]
    private static partial Regex Label();

    // A name of a label is one word, so that numbers in it are not taken for amounts.
    [GeneratedRegex(@"<[^<>\s]{1,200}>|(?<![\w.])\d+\.\d+(?![\w.])|[\p{L}\p{N}_\-]+")]
    private static partial Regex Words();
}
