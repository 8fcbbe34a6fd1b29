using System.Text;
using Stateside.Check.Conversations;

namespace Stateside.Check.Comparing;

/// <summary>A field of a form as it would be submitted.</summary>
internal sealed record HtmlField(string Name, string Value, bool Hidden)
{
    /// <summary>Whether what is typed there is not shown.</summary>
    public bool IsPassword { get; init; }
}

/// <summary>A form.</summary>
internal sealed record HtmlForm(string Action, string Method, List<HtmlField> Fields);

/// <summary>What a page shows and offers: its title, its text by block, forms, links and meta values. No scripts, no styles.</summary>
internal sealed class HtmlPage
{
    private static readonly HashSet<string> Inline =
    [
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "em", "font", "i", "img", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong",
        "sub", "sup", "time", "tt", "u", "var", "wbr", "input", "ins", "del",
    ];

    private readonly StringBuilder _text = new();
    private HtmlForm? _form;
    private (string Name, string? Value, bool Chosen)? _select;
    private (string? Value, bool Selected, StringBuilder Text)? _option;
    private string? _textarea;
    private bool _inTitle;

    /// <summary>The title, or null.</summary>
    public string? Title { get; private set; }

    /// <summary>The visible text, block by block, white space collapsed, empty blocks left out.</summary>
    public List<string> Texts { get; } = [];

    /// <summary>The forms, in order.</summary>
    public List<HtmlForm> Forms { get; } = [];

    /// <summary>Fields that stand outside of forms.</summary>
    public List<HtmlField> LooseFields { get; } = [];

    /// <summary>The targets of links, in order.</summary>
    public List<string> Links { get; } = [];

    /// <summary>The meta values, by name or property.</summary>
    public List<KeyValuePair<string, string>> Metas { get; } = [];

    /// <summary>All fields, of forms and outside of them.</summary>
    public IEnumerable<HtmlField> Fields => Forms.SelectMany(f => f.Fields).Concat(LooseFields);

    /// <summary>The page that a response is; nothing where it is none.</summary>
    public static IEnumerable<HtmlPage> Of(Answer answer) => BodyText.MediaType(answer.Header("content-type")) is "text/html" or "application/xhtml+xml"
        && BodyText.Decode(answer.Body.Span, answer.Header("content-type")) is { } html ? [Read(html)] : [];

    /// <summary>Reads a page.</summary>
    public static HtmlPage Read(string html)
    {
        var page = new HtmlPage();
        foreach (var token in HtmlTokens.Read(html))
        {
            if (token.Kind == HtmlTokenKind.Text) page.Text(token.Text);
            else if (token.Kind == HtmlTokenKind.Start) page.Start(token.Text, token.Attributes);
            else page.End(token.Text);
        }
        page.EndOption();
        page.EndSelect();
        page.Flush();
        return page;
    }

    private void Text(string text)
    {
        if (_inTitle) Title ??= Collapse(text);
        else if (_textarea is { } name)
        {
            // The first line break after the tag is not part of the value.
            Field(new(name, text.StartsWith('\n') ? text[1..] : text, false));
            _textarea = null;
        }
        else
        {
            _option?.Text.Append(text);
            _text.Append(text);
        }
    }

    private void Start(string name, IReadOnlyDictionary<string, string> attributes)
    {
        if (!Inline.Contains(name)) Flush();
        string? Of(string attribute) => attributes.GetValueOrDefault(attribute);
        switch (name)
        {
            case "title": _inTitle = true; break;
            case "a" or "area" when Of("href") is { } href: Links.Add(href); break;
            case "meta" when (Of("name") ?? Of("property")) is { } key && Of("content") is { } content: Metas.Add(new(key, content)); break;
            case "form":
                _form = new(Of("action") ?? "", (Of("method") ?? "get").ToLowerInvariant(), []);
                Forms.Add(_form);
                break;
            case "input": Input(Of("name"), (Of("type") ?? "text").ToLowerInvariant(), Of("value"), attributes.ContainsKey("checked")); break;
            case "textarea": _textarea = Of("name"); break;
            case "select": EndSelect(); _select = Of("name") is { } s ? (s, null, false) : null; break;
            case "option": EndOption(); _option = (Of("value"), attributes.ContainsKey("selected"), new()); break;
        }
    }

    private void End(string name)
    {
        if (!Inline.Contains(name)) Flush();
        switch (name)
        {
            case "title": _inTitle = false; break;
            case "form": _form = null; break;
            case "textarea" when _textarea is { } open: Field(new(open, "", false)); _textarea = null; break;
            case "option": EndOption(); break;
            case "select": EndOption(); EndSelect(); break;
        }
    }

    private void Input(string? name, string type, string? value, bool isChecked)
    {
        if (name is null or "" || type is "submit" or "button" or "image" or "reset" or "file") return;
        if (type is "checkbox" or "radio")
        {
            if (isChecked) Field(new(name, value ?? "on", false));
            return;
        }
        Field(new(name, value ?? "", type == "hidden") { IsPassword = type == "password" });
    }

    private void EndOption()
    {
        // Without a selected option the first one is sent.
        if (_option is { } option && _select is { } select && (option.Selected || (select.Value is null && !select.Chosen)))
            _select = (select.Name, option.Value ?? Collapse(option.Text.ToString()), option.Selected);
        _option = null;
    }

    private void EndSelect()
    {
        if (_select is { Value: { } value } select) Field(new(select.Name, value, false));
        _select = null;
    }

    private void Field(HtmlField field) => (_form?.Fields ?? LooseFields).Add(field);

    private void Flush()
    {
        if (_text.Length == 0) return;
        if (Collapse(_text.ToString()) is { Length: > 0 } text) Texts.Add(text);
        _text.Clear();
    }

    private static string Collapse(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
