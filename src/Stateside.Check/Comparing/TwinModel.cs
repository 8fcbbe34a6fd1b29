using System.Globalization;
using System.Text.RegularExpressions;

namespace Stateside.Check.Comparing;

/// <summary>A place at which a run is not as its twins were.</summary>
/// <param name="Slot">Which sending of which step.</param>
/// <param name="Place">The place.</param>
/// <param name="Expected">What the baseline showed there last, or null where there was nothing.</param>
/// <param name="Actual">What came, or null.</param>
internal sealed record Difference(Slot Slot, string Place, string? Expected, string? Actual)
{
    /// <summary>The rank of content: what ranks so or before it is what a response says, the rest how it comes.</summary>
    public const int Substance = 2;

    /// <summary>How much a difference says by itself: the status most, then the content, then header fields.</summary>
    public int Rank => Place switch
    {
        "trouble" => 0,
        "status" => 1,
        _ when Place.StartsWith("header:", StringComparison.Ordinal) || Place.StartsWith("cookie:", StringComparison.Ordinal) => 4,
        _ when Place.StartsWith("redirect", StringComparison.Ordinal) => 3,
        _ => Substance,
    };

    /// <summary>
    /// Whether a cookie is given that was not given before. That is how a replica keeps a session which it took over from what the client carries; one that begins a new
    /// session shows that in what it answers.
    /// </summary>
    public bool IsRenewal => Expected is null && Actual is not null && Place.StartsWith("cookie:", StringComparison.Ordinal) && (Place.EndsWith('=') || Actual.StartsWith("set;", StringComparison.Ordinal));
}

/// <summary>A run: what was sent and what came, in order.</summary>
/// <param name="Observations">The exchanges.</param>
internal sealed record Run(IReadOnlyList<Observation> Observations)
{
    /// <summary>One of them, or null.</summary>
    public Observation? this[Slot slot] => Observations.FirstOrDefault(o => o.Slot == slot);
}

/// <summary>What several runs of the same thing on one replica have in common, place by place; other runs are compared with it.</summary>
internal sealed partial class TwinModel
{
    private enum Order { Fixed, Free, Growing }

    /// <param name="What">How the items are compared.</param>
    /// <param name="Fewest">How often each item comes at least.</param>
    /// <param name="Most">How often at most.</param>
    private sealed record ArrayRule(Order What, IReadOnlyDictionary<string, int> Fewest, IReadOnlyDictionary<string, int> Most);

    /// <param name="Words">Which words of the request vary, by index.</param>
    /// <param name="WordCount">How many words the request has.</param>
    /// <param name="Texts">The rules by place.</param>
    /// <param name="Arrays">The rules of arrays whose items are not compared by index.</param>
    /// <param name="Renamed">What is the same of the names of cookies and JSON members that have another name in every run, and how many members there are; null where that varies.</param>
    private sealed record SlotRule(IReadOnlyList<int> Words, int WordCount, Dictionary<string, TextRule> Texts, Dictionary<string, ArrayRule> Arrays, IReadOnlyDictionary<string, int?> Renamed);

    /// <param name="Labels">The names of its values.</param>
    /// <param name="Doubtful">The sendings that were answered otherwise in substance: what repeats their values in the twins has nothing to repeat in this run.</param>
    /// <param name="Sent">All sendings so far.</param>
    private sealed record Reading(Labels Labels, HashSet<string> Doubtful, HashSet<string> Sent);

    private readonly Dictionary<Slot, SlotRule> _rules = [];
    private readonly Noise _noise;

    private TwinModel(Noise noise, Run last) => (_noise, Last) = (noise, last);

    /// <summary>The last of the twins, to be shown as what was expected.</summary>
    public Run Last { get; }

    /// <summary>Whether something grows by the same amount with every run: then runs disturb each other, and go one after the other.</summary>
    public bool Grows => _rules.Values.Any(r => r.Texts.Values.Any(t => t.Grows));

    /// <summary>The first step whose status or trouble varied, or null.</summary>
    public (int Step, IReadOnlyList<string> Statuses)? Unsteady { get; private set; }

    /// <summary>Learns from twin runs, at least two.</summary>
    /// <param name="twins">The runs.</param>
    /// <param name="noise">What is noise anyway.</param>
    /// <param name="main">What is known of the undisturbed scenario, or null: what varies there by itself may be the same in these few runs by chance.</param>
    public static TwinModel Learn(IReadOnlyList<Run> twins, Noise noise, TwinModel? main = null)
    {
        var model = new TwinModel(noise, twins[^1]);
        var labels = twins.Select(_ => new Labels()).ToArray();
        foreach (var slot in twins[0].Observations.Select(o => o.Slot))
        {
            var seen = twins.Select(t => t[slot]).OfType<Observation>().ToArray();
            if (seen.Length < twins.Count) continue;
            var statuses = seen.Select(o => o["trouble"] ?? o["status"] ?? "none").ToArray();
            if (statuses.Distinct().Count() > 1) model.Unsteady ??= (slot.Step, statuses);
            model._rules.Add(slot, LearnSlot(slot, seen, labels, main?._rules.GetValueOrDefault(new Slot(slot.Step))));
        }
        return model;
    }

    /// <summary>Where a run is not as the twins were, above the noise. Only sendings that the twins have are compared.</summary>
    /// <param name="run">The run.</param>
    /// <param name="before">The undisturbed run just before it, from which growing numbers are counted; null: the last of the twins.</param>
    public IReadOnlyList<Difference> Compare(Run run, Run? before = null)
    {
        var differences = new List<Difference>();
        var reading = new Reading(new Labels(), new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var observation in run.Observations)
        {
            reading.Sent.Add(NameOf(observation.Slot));
            if (_rules.TryGetValue(observation.Slot, out var rule)) CompareSlot(observation, rule, reading, (before ?? Last)[observation.Slot], differences, place => IsAsBefore(run, observation, place));
            else if (_rules.TryGetValue(new Slot(observation.Slot.Step), out var first)) NameSlot(observation, first, reading.Labels);
        }
        return [.. differences.Where(d => !d.IsRenewal && !_noise.Contains(d.Slot.Step, d.Place))];
    }

    /// <summary>Whether a place is the same in all twins.</summary>
    public bool IsConstant(Slot slot, string place) => _rules.TryGetValue(slot, out var rule) && rule.Texts.TryGetValue(place, out var text) && text.IsConstant;

    /// <summary>Whether a sending of a step, the first or another, is answered as it always was: what is the same in all twins is the same here, header fields aside, and nothing else came.</summary>
    public bool IsAnsweredAsEver(Observation observation)
    {
        var slot = new Slot(observation.Slot.Step);
        if (!_rules.TryGetValue(slot, out var rule)) return false;
        return rule.Texts.Where(t => t.Value.IsConstant).Select(t => t.Key).Concat(observation.Places.Where(p => !rule.Texts.ContainsKey(p)))
            .All(place => new Difference(slot, place, null, null).Rank > Difference.Substance || Last[slot]?[place] == observation[place]);
    }

    /// <summary>Whether a response to a step shows what a response to an earlier one showed first.</summary>
    public bool RepeatsEarlier(int step) => _rules.TryGetValue(new Slot(step), out var rule) && rule.Texts.Values.Any(t => t.RepeatsEarlier(step));

    /// <summary>The places of a sending at which a new number or id comes with every run.</summary>
    public IEnumerable<string> VaryingPlaces(Slot slot) =>
        _rules.TryGetValue(slot, out var rule) ? rule.Texts.Where(t => !t.Value.IsConstant).Select(t => t.Key) : [];

    private static SlotRule LearnSlot(Slot slot, Observation[] seen, Labels[] labels, SlotRule? main)
    {
        var name = NameOf(slot);
        var words = new List<int>();
        if (seen.All(o => o.Sent.Count == seen[0].Sent.Count))
            for (var w = 0; w < seen[0].Sent.Count; w++)
            {
                if (seen.All(o => o.Sent[w] == seen[0].Sent[w])) continue;
                words.Add(w);
                for (var i = 0; i < seen.Length; i++) NameSent(name, w, seen[i].Sent[w], labels[i]);
            }
        var arrays = LearnArrays(seen, labels, main);
        var texts = new Dictionary<string, TextRule>(StringComparer.Ordinal);
        foreach (var place in seen.SelectMany(o => o.Places).Distinct(StringComparer.Ordinal))
        {
            if (Sequences.Take(place) is var (array, _, _) && arrays.TryGetValue(array, out var rule) && rule.What != Order.Fixed) continue;
            var values = seen.Select(o => o[place]).OfType<string>().ToArray();
            texts.Add(place, values.Length == seen.Length ? Known(TextRule.Learn($"{name}:{place}", values, labels, Ids.IsIdLike(place)), main, place, values[0]) : TextRule.Sometimes(values));
        }
        // Of arrays in JSON the length is a fact already.
        foreach (var array in arrays.Keys.Where(a => !a.StartsWith("json:", StringComparison.Ordinal)))
        {
            var (place, counts) = (Sequences.CountOf(array), seen.Select(o => Count(o, array)).ToArray());
            texts.Add(place, Known(TextRule.Learn($"{name}:{array}", counts, labels, isId: false), main, place, counts[0]));
        }
        foreach (var (place, rule) in main?.Texts ?? [])
            if (rule.IsSometimes && Sequences.Take(place) is null) texts.TryAdd(place, rule);
        return new SlotRule(words, seen[0].Sent.Count, texts, arrays, LearnNames(seen, texts, main));
    }

    /// <summary>What is the same in a few runs, and varies by itself in the undisturbed scenario, varies.</summary>
    private static TextRule Known(TextRule rule, SlotRule? main, string place, string value) =>
        rule.IsConstant && main?.Texts.GetValueOrDefault(place) is { } known && known.MayBe(value) ? known : rule;

    /// <summary>What is the same of names that are new in every run, and how many members have such a name.</summary>
    private static Dictionary<string, int?> LearnNames(Observation[] seen, Dictionary<string, TextRule> texts, SlotRule? main)
    {
        var names = texts.Where(t => t.Value.IsSometimes).Select(t => KeptName(t.Key)).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        if (names.Count == 0) return [];
        var counts = seen.Select(NameCounts).ToArray();
        return names.ToDictionary(kept => kept, kept =>
        {
            // A replica that takes a session over may give its cookies anew.
            if (kept.StartsWith("cookie:", StringComparison.Ordinal) || main?.Renamed.TryGetValue(kept, out var known) == true && known is null) return (int?)null;
            var count = counts[0].GetValueOrDefault(kept);
            return counts.All(c => c.GetValueOrDefault(kept) == count) ? count : null;
        }, StringComparer.Ordinal);
    }

    /// <summary>How many places there are of each name that a machine made something of.</summary>
    private static Dictionary<string, int> NameCounts(Observation observation) =>
        observation.Places.Select(KeptName).OfType<string>().CountBy(kept => kept, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);

    /// <summary>What a place is called without what machines make of its name (the number of a revision, a random key), or null where there is nothing of that.</summary>
    private static string? KeptName(string place)
    {
        if (!place.StartsWith("cookie:", StringComparison.Ordinal) && !place.StartsWith("json:", StringComparison.Ordinal)) return null;
        var kept = MadeWords().Replace(place, "#");
        return kept == place ? null : kept;
    }

    // A word with a digit; but no index of an array.
    [GeneratedRegex(@"(?<![\[\w\-])[\w\-]*\d[\w\-]*")]
    private static partial Regex MadeWords();

    private static void NameSent(string name, int word, string value, Labels labels)
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"{name}:sent{word}");
        if (Labels.IsDistinctive(value) || (value.Length >= 6 && !Labels.IsNumber(value, out _))) labels.AddText($"<{label}>", value);
        else if (Labels.IsNumber(value, out _)) labels.AddNumber(label, value);
    }

    private static Dictionary<string, ArrayRule> LearnArrays(Observation[] seen, Labels[] labels, SlotRule? main)
    {
        var found = seen.Select((o, i) => Sequences.Of(o, labels[i])).ToArray();
        var rules = new Dictionary<string, ArrayRule>(StringComparer.Ordinal);
        foreach (var array in found.SelectMany(f => f.Keys).Distinct(StringComparer.Ordinal))
        {
            var items = found.Select(f => f.GetValueOrDefault(array) ?? []).ToArray();
            var counts = items.Select(Sequences.Counts).ToArray();
            var all = counts.SelectMany(c => c.Keys).Distinct(StringComparer.Ordinal).ToArray();
            var fewest = all.ToDictionary(i => i, i => counts.Min(c => c.GetValueOrDefault(i)), StringComparer.Ordinal);
            var most = all.ToDictionary(i => i, i => counts.Max(c => c.GetValueOrDefault(i)), StringComparer.Ordinal);
            var what = items.Any(i => i.Count != items[0].Count) ? Order.Growing
                : !items.All(i => i.SequenceEqual(items[0])) && all.All(i => fewest[i] == most[i]) ? Order.Free : Order.Fixed;
            var known = main?.Arrays.GetValueOrDefault(array);
            if (known?.What > what) what = known.What;
            // How often an item comes may vary by itself, and be the same in these runs by chance.
            foreach (var (item, fewer) in known?.Fewest ?? new Dictionary<string, int>())
            {
                if (fewer == known!.Most[item] || fewest.GetValueOrDefault(item) < fewer || most.GetValueOrDefault(item) > known.Most[item]) continue;
                (fewest[item], most[item]) = (fewer, known.Most[item]);
            }
            rules.Add(array, new ArrayRule(what, fewest, most));
        }
        return rules;
    }

    /// <param name="observation">What came.</param>
    /// <param name="rule">What the twins have in common.</param>
    /// <param name="reading">What is known of the run so far.</param>
    /// <param name="before">The same sending of the run before.</param>
    /// <param name="differences">Gets the differences.</param>
    /// <param name="isAsBefore">Whether a place shows what it showed when the step was sent before, as it did in the twins.</param>
    private static void CompareSlot(
        Observation observation, SlotRule rule, Reading reading, Observation? before, List<Difference> differences, Func<string, bool> isAsBefore)
    {
        var (slot, labels) = (observation.Slot, reading.Labels);
        var name = NameOf(slot);
        var known = differences.Count;
        if (observation.Sent.Count == rule.WordCount)
            foreach (var word in rule.Words) NameSent(name, word, observation.Sent[word], labels);
        var arrays = Sequences.Of(observation, labels);
        foreach (var place in observation.Places.Concat(rule.Texts.Keys).Distinct(StringComparer.Ordinal))
        {
            if (Sequences.Take(place) is var (array, _, _) && rule.Arrays.TryGetValue(array, out var order) && order.What != Order.Fixed) continue;
            var isCount = place.EndsWith("[#]", StringComparison.Ordinal);
            var actual = isCount ? Count(observation, place[..^3]) : observation[place];
            var earlier = before is null ? null : isCount ? Count(before, place[..^3]) : before[place];
            if (!rule.Texts.TryGetValue(place, out var text))
            {
                if (rule.Renamed.Count == 0 || KeptName(place) is not { } kept || !rule.Renamed.ContainsKey(kept)) differences.Add(new Difference(slot, place, null, actual));
            }
            else if (actual is null)
            {
                // A value that varies but was always there is missed too; one that came only sometimes is not.
                if (!text.IsSometimes) differences.Add(new Difference(slot, place, earlier, null));
            }
            else
            {
                if (!text.Fits(actual, labels, earlier, reading.Sent) && !text.RestsOn(reading.Doubtful) && !isAsBefore(place)) differences.Add(new Difference(slot, place, earlier, actual));
                text.Name($"{name}:{place}", actual, labels, Ids.IsIdLike(place));
            }
        }
        var counts = rule.Renamed.Count > 0 ? NameCounts(observation) : [];
        foreach (var (kept, expected) in rule.Renamed)
            if (expected is { } count && counts.GetValueOrDefault(kept) is var actual && actual != count)
                differences.Add(new Difference(slot, kept, Shown(kept, count), actual == 0 ? null : Shown(kept, actual)));
        foreach (var (array, order) in rule.Arrays)
            if (order.What != Order.Fixed) CompareItems(slot, array, order, Sequences.Counts(arrays.GetValueOrDefault(array) ?? []), differences);
        if (differences.Skip(known).Any(d => d.Rank <= Difference.Substance)) reading.Doubtful.Add(name);
    }

    /// <summary>
    /// Whether a place shows what it showed when the same step was sent before, in this run and in the last twin. In a list that shifts, the same value may have come at
    /// another place first, and its name with it; that the page stayed as it was says more.
    /// </summary>
    private bool IsAsBefore(Run run, Observation observation, string place)
    {
        var (slot, earlier) = (observation.Slot, new Slot(observation.Slot.Step, observation.Slot.Occurrence - 1));
        return slot.Occurrence > 0 && Last[slot]?[place] is { } twin && Last[earlier]?[place] == twin && run[earlier]?[place] is { } was && was == observation[place];
    }

    /// <summary>The name of a sending, with which the labels begin of what it shows first.</summary>
    private static string NameOf(Slot slot) => slot.Occurrence == 0 ? $"{slot.Step}" : $"{slot.Step}'{slot.Occurrence}";

    /// <summary>A step that is sent again makes ids anew, and later steps go on with those of the last sending.</summary>
    private static void NameSlot(Observation observation, SlotRule rule, Labels labels)
    {
        var name = $"{observation.Slot.Step}";
        if (observation.Sent.Count == rule.WordCount)
            foreach (var word in rule.Words) NameSent(name, word, observation.Sent[word], labels);
        foreach (var place in observation.Places)
            if (rule.Texts.TryGetValue(place, out var text)) text.Name($"{name}:{place}", observation[place]!, labels, Ids.IsIdLike(place));
    }

    private static void CompareItems(Slot slot, string array, ArrayRule rule, Dictionary<string, int> counts, List<Difference> differences)
    {
        var isExact = rule.What == Order.Free;
        foreach (var (item, fewest) in rule.Fewest)
        {
            var count = counts.GetValueOrDefault(item);
            if (count < fewest) differences.Add(new Difference(slot, array + "[*]", Shown(item, fewest), count == 0 ? null : Shown(item, count)));
            else if (fewest > 0 && count > rule.Most[item]) differences.Add(new Difference(slot, array + "[*]", Shown(item, rule.Most[item]), Shown(item, count)));
        }
        if (isExact)
            foreach (var item in counts.Keys)
                if (!rule.Fewest.ContainsKey(item)) differences.Add(new Difference(slot, array + "[*]", null, Shown(item, counts[item])));
    }

    private static string Shown(string item, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} × {item.TrimEnd('\n').Replace("\n", ", ", StringComparison.Ordinal)}");

    private static string Count(Observation observation, string array)
    {
        var most = -1;
        foreach (var place in observation.Places)
            if (Sequences.Take(place) is var (of, index, _) && of == array) most = Math.Max(most, index);
        return (most + 1).ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>Places that vary by themselves, learned from every undisturbed run of the check. A difference there says nothing.</summary>
internal sealed class Noise(Func<string, bool> isIgnored)
{
    private readonly HashSet<(int Step, string Place)> _places = [];

    /// <summary>Adds a place.</summary>
    public void Add(int step, string place)
    {
        lock (_places) _places.Add((step, place));
    }

    /// <summary>Whether a place is noise, or the user wants it ignored.</summary>
    public bool Contains(int step, string place)
    {
        lock (_places) return _places.Contains((step, place)) || isIgnored(place);
    }
}
