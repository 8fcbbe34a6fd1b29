using Stateside.Check.Conversations;

namespace Stateside.Check.Comparing;

/// <summary>
/// What a response says, taken apart: values by place. Places are written so that a user can name them in <c>--ignore</c> and a report can point at them:
/// <c>status</c>; <c>header:NAME</c>; <c>header:location?PARAMETER</c>; <c>cookie:NAME</c> (set or removed, and its attributes; <c>cookie:NAME=</c> is its value);
/// <c>json:$.a[0].b</c>; <c>html:title</c>, <c>html:text[3]</c>, <c>html:form[0].action</c>, <c>html:form[0].field[csrf]</c>, <c>html:link[2]</c>, <c>html:meta[csrf-token]</c>;
/// <c>text:line[4]</c>; <c>bytes:length</c>, <c>bytes:sha256</c>; <c>trouble</c>.
/// </summary>
/// <param name="Values">The places with their values, in the order in which they came.</param>
public sealed record Facts(IReadOnlyList<KeyValuePair<string, string>> Values)
{
    /// <summary>The value at a place, or null.</summary>
    public string? this[string place] => Values.Where(v => v.Key == place).Select(v => v.Value).FirstOrDefault();

    /// <summary>Takes an exchange apart.</summary>
    public static Facts Of(Exchange exchange) => FactReader.Read(exchange);
}
