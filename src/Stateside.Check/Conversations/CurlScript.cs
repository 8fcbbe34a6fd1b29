using System.Globalization;
using System.Text;

namespace Stateside.Check.Conversations;

internal static class CurlScript
{
    public static string Write(IReadOnlyList<Exchange> exchanges, IReadOnlyDictionary<int, string>? before)
    {
        var text = new StringBuilder();
        for (var i = 0; i < exchanges.Count; i++)
        {
            if (before?.GetValueOrDefault(i) is { } line) text.Append(line).Append('\n');
            text.Append(CultureInfo.InvariantCulture, $"curl -sS -i {exchanges[i].Request?.Url}\n");
        }
        return text.ToString();
    }
}
