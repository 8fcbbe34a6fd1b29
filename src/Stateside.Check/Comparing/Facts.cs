using Stateside.Check.Conversations;

namespace Stateside.Check.Comparing;

/// <summary>
/// What a response says, taken apart: values by place. Places are written so that a user can name them in <c>--ignore</c> and a report can point at them:
/// <c>status</c>; <c>header:NAME</c>; <c>header:location?PARAMETER</c>; <c>cookie:NAME</c> (set or removed, and its attributes; <c>cookie:NAME=</c> is its value);
/// <c>json:$.a[0].b</c>; <c>html:title</c>, <c>html:text[3]</c>, <c>html:form[0].action</c>, <c>html:form[0].field[csrf]</c>, <c>html:link[2]</c>, <c>html:meta[csrf-token]</c>;
/// <c>text:line[4]</c>; <c>bytes:length</c>, <c>bytes:sha256</c>; <c>trouble</c>.
/// Of JSON every scalar has a place, an array its length (<c>json:$.list.length()</c>), an empty object <c>{}</c>; NDJSON and the data of server-sent events are an array.
/// A cookie's fact is <c>set</c> or <c>removed</c>, then its attributes in lower case: <c>set; httponly; path=/; samesite=lax</c>, <c>expires</c> without its date.
/// <c>redirect[0]</c> is a redirect that was followed on the way: its status and path. <c>bytes:truncated</c> says that there was more. A place that comes twice gets <c>#2</c>.
/// Left out: what connections and proxies add (Date, Age, Connection, Content-Length, Transfer-Encoding, Keep-Alive, Via, …), and Set-Cookie, which is taken apart.
/// </summary>
/// <param name="Values">The places with their values, in the order in which they came.</param>
public sealed record Facts(IReadOnlyList<KeyValuePair<string, string>> Values)
{
    /// <summary>The value at a place, or null.</summary>
    public string? this[string place] => Values.Where(v => v.Key == place).Select(v => v.Value).FirstOrDefault();

    /// <summary>Takes an exchange apart.</summary>
    public static Facts Of(Exchange exchange) => FactReader.Read(exchange);
}
