namespace Stateside.Check.Scenarios;

/// <summary>What a client does, in order: the steps of one session, read from a <c>.http</c> file or a HAR.</summary>
/// <param name="Name">The file's name without its folder, for reports.</param>
/// <param name="Steps">The steps, in order; at least one.</param>
/// <param name="Variables">The file's variables by name, as templates (<c>@name = value</c>); empty for a HAR.</param>
/// <param name="Notices">What the reader left out, corrected or correlated, one sentence each, to be printed.</param>
public sealed record Scenario(string Name, IReadOnlyList<Step> Steps, IReadOnlyDictionary<string, string> Variables, IReadOnlyList<string> Notices)
{
    /// <summary>The names of the variables whose values are masked in reports (<c># @secret name</c>, and those whose names look secret).</summary>
    public IReadOnlySet<string> SecretVariables { get; init; } = new HashSet<string>();

    /// <summary>What must not be shown wherever it stands: the values of secret variables, and what steps themselves write under a name such as password.</summary>
    internal IReadOnlyList<string> Secrets => _secrets ??= [.. Variables.Where(v => SecretVariables.Contains(v.Key)).Select(v => v.Value)
        .Concat(Steps.SelectMany(s => Conversations.Masks.Typed(s.Body?.Template ?? "").Concat(Conversations.Masks.Typed(s.Target))))
        .Where(s => !s.Contains("{{", StringComparison.Ordinal)).Distinct()];

    private IReadOnlyList<string>? _secrets;
}

/// <summary>One request of a scenario. Texts are templates: <c>{{…}}</c> is filled in when the step is sent.</summary>
public sealed record Step
{
    /// <summary>Its place in the scenario, from 1.</summary>
    public required int Number { get; init; }

    /// <summary>Its name: that of <c># @name</c>, else the method and the path.</summary>
    public required string Name { get; init; }

    /// <summary>The method, in upper case.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query, beginning with <c>/</c>: a template. The replica gives scheme, host and port.</summary>
    public required string Target { get; init; }

    /// <summary>The header fields, in order, as templates. Without Host, Content-Length, connection fields and (HAR) Cookie: those are the conversation's.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The body, or null.</summary>
    public StepBody? Body { get; init; }

    /// <summary>Whether redirects to the same service are followed within the step. False for a HAR, in which each hop is a step.</summary>
    public bool FollowRedirects { get; init; }

    /// <summary>Whether cookies are sent and kept (<c># @no-cookie-jar</c> turns that off).</summary>
    public bool UsesCookies { get; init; } = true;

    /// <summary>What this step takes out of its response, for later steps: found by correlation in a HAR.</summary>
    public IReadOnlyList<Extraction> Extractions { get; init; } = [];

    /// <summary>Whether it opens a WebSocket. Its body then holds the messages that are sent over it, divided by lines that begin with <c>===</c>, and its answer's body those that came.</summary>
    public bool IsWebSocket => Conversations.WebSocketTalk.Asks(Headers);

    /// <summary>Whether the method is safe (RFC 9110, section 9.2.1): GET, HEAD, OPTIONS, TRACE, QUERY, and of WebDAV PROPFIND, REPORT, SEARCH. A WebSocket over which something is said may change anything.</summary>
    public bool IsSafe => !(IsWebSocket && Body is not null) && IsSafeMethod(Method);

    internal static bool IsSafeMethod(string method) => method is "GET" or "HEAD" or "OPTIONS" or "TRACE" or "QUERY" or "PROPFIND" or "REPORT" or "SEARCH";
}

/// <summary>The body of a step.</summary>
/// <param name="Template">Its text, a template; null where it is bytes.</param>
/// <param name="Bytes">Its bytes, sent as they are; null where it is text.</param>
public sealed record StepBody(string? Template, ReadOnlyMemory<byte>? Bytes)
{
    /// <summary>The pieces of which the body consists (a multipart body with a binary file): each text or bytes. Null where it is one piece.</summary>
    public IReadOnlyList<StepBody>? Pieces { get; init; }
}

/// <summary>A value that is taken from a live response and kept under a name, which templates then use as <c>{{name}}</c>.</summary>
/// <param name="Name">The name.</param>
/// <param name="Place">Where in the response: see <see cref="Comparing.Facts"/> for how places are written (<c>json:$.token</c>, <c>html:form[0].field[csrf]</c>, <c>header:location?code</c>, …).</param>
/// <param name="Secret">Whether the value is masked in reports.</param>
public sealed record Extraction(string Name, string Place, bool Secret);

/// <summary>A scenario cannot be read; the message names the file, the line and the fix.</summary>
public sealed class ScenarioException : Exception
{
    /// <summary>Makes it.</summary>
    public ScenarioException(string message) : base(message) { }

    /// <summary>Makes it.</summary>
    public ScenarioException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Makes it.</summary>
    public ScenarioException() { }
}
