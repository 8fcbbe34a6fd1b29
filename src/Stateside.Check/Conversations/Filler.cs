using System.Text;
using System.Text.Json;
using Stateside.Check.Comparing;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Conversations;

/// <summary>A piece of a filled template.</summary>
/// <param name="Text">The text that was sent.</param>
/// <param name="Source">Where it was taken from: a variable's name, <c>STEP.response.PLACE</c> or a function; null for what the scenario wrote itself.</param>
/// <param name="Place">Of a value out of a response: the place, else null.</param>
/// <param name="Step">Of a value out of a response: the step's number, else 0.</param>
/// <param name="Secret">Whether it is masked in reports.</param>
internal sealed record FilledPart(string Text, string? Source = null, string? Place = null, int Step = 0, bool Secret = false)
{
    /// <summary>The text of pieces, joined.</summary>
    public static string Join(IEnumerable<FilledPart> parts) => string.Concat(parts.Select(p => p.Text));
}

/// <summary>A request whose templates were filled.</summary>
internal sealed record FilledRequest(
    IReadOnlyList<FilledPart> Target, IReadOnlyList<KeyValuePair<string, IReadOnlyList<FilledPart>>> Headers, IReadOnlyList<FilledPart>? Body, ReadOnlyMemory<byte>? BodyBytes);

/// <summary>A template names what cannot be had; the message is for the report.</summary>
internal sealed class FillException(string message) : Exception(message);

/// <summary>What one conversation knows, and the filling of templates with it. Not to be used at the same time: the conversation locks.</summary>
internal sealed class Filler(Scenario scenario, TimeProvider time)
{
    private const int MaxDepth = 20;
    private const int MaxText = 16 << 20;

    private readonly Dictionary<string, (string Value, string Place, int Step, bool Secret)> _extracted = [];
    private readonly Dictionary<string, (int Step, string Place, string Why)> _missing = [];
    private readonly Dictionary<string, Exchange> _named = [];
    private readonly Dictionary<string, Exchange> _succeeded = [];
    private readonly Dictionary<(string Variable, int Position), string> _once = [];

    /// <summary>Scheme, host and port as the service sees them.</summary>
    public string Origin { get; set; } = "";

    /// <summary>A copy that learns by itself from here on.</summary>
    public Filler Copy()
    {
        var copy = new Filler(scenario, time) { Origin = Origin };
        foreach (var (k, v) in _extracted) copy._extracted[k] = v;
        foreach (var (k, v) in _missing) copy._missing[k] = v;
        foreach (var (k, v) in _named) copy._named[k] = v;
        foreach (var (k, v) in _succeeded) copy._succeeded[k] = v;
        foreach (var (k, v) in _once) copy._once[k] = v;
        return copy;
    }

    /// <summary>Keeps an exchange under its step's name, and what the step takes out of it.</summary>
    public void Learn(Exchange exchange)
    {
        _named[exchange.Step.Name] = exchange;
        if (exchange.Answer is { Status: >= 200 and < 400 }) _succeeded[exchange.Step.Name] = exchange;
        // Many values are looked up in one reading of the response.
        var facts = exchange.Step.Extractions.Count > 3 ? Facts.Of(exchange).Values.DistinctBy(f => f.Key).ToDictionary() : [];
        foreach (var extraction in exchange.Step.Extractions)
        {
            if ((facts.GetValueOrDefault(extraction.Place) ?? Places.Find(exchange, extraction.Place)) is { } value)
            {
                _extracted[extraction.Name] = (value, extraction.Place, exchange.Step.Number, extraction.Secret);
                _missing.Remove(extraction.Name);
            }
            else if (!_extracted.ContainsKey(extraction.Name))
            {
                // An older value stays: whoever is refused a repetition (409) goes on with what the first time gave.
                _missing[extraction.Name] = (exchange.Step.Number, extraction.Place, Outcome(exchange));
            }
        }
    }

    /// <summary>The value of a name that was extracted, or null.</summary>
    public string? Extracted(string name) => _extracted.TryGetValue(name, out var e) ? e.Value : null;

    /// <summary>The values that are masked in reports: extracted secrets, and secret variables that hold no reference.</summary>
    public IEnumerable<string> Secrets() =>
        [.. _extracted.Values.Where(e => e.Secret).Select(e => e.Value), .. scenario.Secrets];

    /// <summary>Fills a whole step.</summary>
    /// <exception cref="FillException">A template names what cannot be had.</exception>
    /// <param name="step">The step.</param>
    /// <param name="without">The header fields that are not needed, since they will be replaced or left out.</param>
    public FilledRequest Fill(Step step, IEnumerable<string> without)
    {
        _filled = 0;
        var headers = step.Headers.Where(h => !without.Contains(h.Key, StringComparer.OrdinalIgnoreCase)).Select(h => KeyValuePair.Create(h.Key, (IReadOnlyList<FilledPart>)Fill(h.Value))).ToList();
        return step.Body is null or { Pieces: null, Bytes: null, Template: null }
            ? new(Fill(step.Target), headers, null, null)
            : step.Body.Template is { } template
                ? new(Fill(step.Target), headers, Fill(template), null)
                : new(Fill(step.Target), headers, null, Bytes(step.Body));
    }

    private byte[] Bytes(StepBody body)
    {
        if (body.Pieces is { } pieces) return [.. pieces.SelectMany(Bytes)];
        return body.Bytes?.ToArray() ?? Encoding.UTF8.GetBytes(FilledPart.Join(Fill(body.Template ?? "")));
    }

    /// <summary>The length of what was filled in so far for the step: variables within variables could grow without end.</summary>
    private long _filled;

    private List<FilledPart> Fill(string template)
    {
        var parts = new List<FilledPart>();
        Fill(template, null, 0, parts);
        return parts;
    }

    private void Fill(string template, string? variable, int depth, List<FilledPart> parts)
    {
        if (depth > MaxDepth) throw new FillException($"the variable '{variable}' is defined by itself");
        var position = 0;
        foreach (var part in Template.Parse(template))
        {
            if ((_filled += part.Text.Length) > MaxText) throw new FillException("its templates give over 16 MiB of text");
            if (part.IsExpression) Fill(part.Text, variable, position++, depth, parts);
            else parts.Add(new(part.Text));
        }
    }

    private void Fill(string text, string? variable, int position, int depth, List<FilledPart> parts)
    {
        Expression e;
        try { e = Expression.Parse(text); }
        catch (FormatException fault) { throw new FillException(fault.Message); }
        var first = parts.Count;
        switch (e.Kind)
        {
            case ExpressionKind.Dynamic: parts.Add(Dynamic(e, text, variable, position)); break;
            case ExpressionKind.Response or ExpressionKind.Request: parts.Add(OfStep(e, text)); break;
            default: Variable(e.Name, depth, parts); break;
        }
        var secret = (variable is not null && scenario.SecretVariables.Contains(variable)) || (e.Kind == ExpressionKind.Variable && scenario.SecretVariables.Contains(e.Name));
        for (var i = first; i < parts.Count; i++)
            parts[i] = parts[i] with { Text = Encode(parts[i].Text, e.Encodings), Secret = parts[i].Secret || secret, Source = parts[i].Source ?? (e.Kind == ExpressionKind.Variable ? e.Name : null) };
    }

    private void Variable(string name, int depth, List<FilledPart> parts)
    {
        if (_extracted.TryGetValue(name, out var found)) parts.Add(new(found.Value, name, found.Place, found.Step, found.Secret));
        else if (scenario.Variables.TryGetValue(name, out var template)) Fill(template, name, depth + 1, parts);
        else if (_missing.TryGetValue(name, out var missing)) throw new FillException($"'{name}' is taken from {missing.Place} of step {missing.Step}, {missing.Why}");
        else throw new FillException($"nothing is called '{name}': no variable, and no response that was seen");
    }

    private FilledPart Dynamic(Expression e, string text, string? variable, int position)
    {
        // In a variable it is evaluated once for the whole conversation, so that what one step creates the next one finds.
        if (variable is not null && _once.TryGetValue((variable, position), out var known)) return new(known, text);
        var value = Dynamics.Evaluate(e.Name, e.Arguments, Origin, time)
            ?? throw new FillException($"the environment variable '{e.Arguments[0]}' is not set");
        if (variable is not null) _once[(variable, position)] = value;
        return new(value, text, Secret: e.Name == "processEnv" && Masks.IsSecretName(e.Arguments[0]));
    }

    private FilledPart OfStep(Expression e, string text)
    {
        if (!_named.TryGetValue(e.Name, out var exchange)) throw new FillException($"'{e.Name}' was not sent before");
        var value = e.Kind == ExpressionKind.Request ? Places.FindSent(exchange, e.Place)
            : Places.Find(exchange, e.Place) ?? (_succeeded.TryGetValue(e.Name, out var earlier) ? Places.Find(earlier, e.Place) : null);
        if (value is null) throw new FillException($"'{text}' is taken from step {exchange.Step.Number}, {Outcome(exchange)}");
        return new(value, text, e.Kind == ExpressionKind.Response ? e.Place : null, exchange.Step.Number, Masks.IsSecretName(Masks.LastName(e.Place)));
    }

    private static string Outcome(Exchange exchange) => exchange.Answer is { } answer ? $"whose response ({answer.Status}) does not hold it" : "which has no response";

    /// <summary>Applies encodings in order.</summary>
    public static string Encode(string text, IEnumerable<string> encodings)
    {
        foreach (var encoding in encodings)
        {
            text = encoding switch
            {
                "percent" => Uri.EscapeDataString(text),
                "form" => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal),
                "json" => JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(),
                "unpercent" => Uri.UnescapeDataString(text),
                _ => Base64Url(text) ?? text,
            };
        }
        return text;
    }

    /// <summary>The text that Base64 or Base64url stands for, or null if it is neither or no text.</summary>
    public static string? Base64Url(string text)
    {
        var bytes = new byte[text.Length];
        var standard = text.Replace('-', '+').Replace('_', '/').TrimEnd('=');
        if (standard.Length % 4 == 1 || !Convert.TryFromBase64String(standard + new string('=', (4 - standard.Length % 4) % 4), bytes, out var length)) return null;
        try { return new UTF8Encoding(false, true).GetString(bytes, 0, length); }
        catch (ArgumentException) { return null; }
    }
}
