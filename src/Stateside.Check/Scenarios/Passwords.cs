using System.Globalization;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;

namespace Stateside.Check.Scenarios;

/// <summary>What was typed into password fields of recorded pages, whatever their names: kept as secret variables, so that no report shows it.</summary>
internal sealed class Passwords
{
    private readonly HashSet<string> _fields = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>The variables with their values.</summary>
    public IReadOnlyDictionary<string, string> Variables => _names.ToDictionary(n => n.Value, n => Template.Literal(n.Key));

    /// <summary>The variable that stands for what a request sends, or null if it is no password.</summary>
    public string? Choose(Sink sink)
    {
        if (sink.Kind is not (SinkKind.FormField or SinkKind.Json) || sink.Value.Length == 0 || !_fields.Contains(sink.Name)) return null;
        if (!_names.TryGetValue(sink.Value, out var name)) _names[sink.Value] = name = string.Create(CultureInfo.InvariantCulture, $"typed_password_{_names.Count + 1}");
        return name;
    }

    /// <summary>Remembers the password fields of a page.</summary>
    public void Learn(Answer answer)
    {
        foreach (var field in HtmlPage.Of(answer).SelectMany(p => p.Fields))
            if (field.IsPassword) _fields.Add(field.Name);
    }
}
