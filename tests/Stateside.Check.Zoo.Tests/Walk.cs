using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Stateside.Check.Zoo.Tests;

/// <summary>
/// Walks through a scenario and looks whether each step answers as the file says: <c># expects STATUS "text"</c> in a <c>.http</c> file,
/// the recorded status in a HAR. It reads the few forms that the zoo's files use, on its own, so that the zoo is known to be real before <c>check</c> looks at it.
/// </summary>
internal static partial class Walk
{
    /// <summary>What did not answer as it should, a line each; none is well.</summary>
    /// <param name="path">The scenario.</param>
    /// <param name="before">Answers where the step of a number, from 0, is sent; done before it is.</param>
    public static async Task<List<string>> FaultsAsync(string path, Func<int, Task<Uri>> before)
    {
        var isHar = path.EndsWith(".har", StringComparison.Ordinal);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = !isHar, AutomaticDecompression = DecompressionMethods.All, UseProxy = false };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            return isHar ? await HarAsync(path, client, before) : await HttpAsync(path, client, before);
        }
        catch (HttpRequestException e)
        {
            return [e.ToString()];
        }
    }

    /// <summary>How many requests the scenario has.</summary>
    public static int Steps(string path)
    {
        var text = File.ReadAllText(path);
        if (!path.EndsWith(".har", StringComparison.Ordinal)) return Expects().Count(text);
        using var har = JsonDocument.Parse(text);
        return har.RootElement.GetProperty("log").GetProperty("entries").GetArrayLength();
    }

    private static async Task<List<string>> HttpAsync(string path, HttpClient client, Func<int, Task<Uri>> before)
    {
        var faults = new List<string>();
        var answers = new Dictionary<string, (HttpResponseMessage Response, string Body)>();
        var variables = new Dictionary<string, string>();
        var number = 0;
        foreach (var block in Separator().Split(await File.ReadAllTextAsync(path)))
        {
            var lines = block.Trim('\n').Split('\n');
            foreach (var line in lines.Where(l => l.StartsWith('@'))) variables[line[1..line.IndexOf('=', StringComparison.Ordinal)].Trim()] = "";
            var name = lines.First(l => l.StartsWith("# @name ", StringComparison.Ordinal))[8..];
            var expects = Expects().Match(block);
            var replica = await before(number++);
            string Filled(string text) => Template().Replace(text, m => Value(m.Groups[1].Value, variables, answers));
            if (lines.FirstOrDefault(l => l.StartsWith("WEBSOCKET ", StringComparison.Ordinal)) is { } socket)
            {
                var opened = await OpenAsync(new Uri(replica, Filled(socket["WEBSOCKET ".Length..])), string.Join('\n', lines.SkipWhile(l => l != socket).Skip(2)));
                if (opened != int.Parse(expects.Groups[1].ValueSpan, null)) faults.Add($"{name}: {opened}, not {expects.Groups[1].Value}");
                continue;
            }
            using var request = Read([.. lines.SkipWhile(l => l.Length == 0 || l[0] is '#' or '@')], replica, Filled);
            var response = await client.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            answers[name] = (response, body);
            if ((int)response.StatusCode != int.Parse(expects.Groups[1].ValueSpan, null)) faults.Add($"{name}: {(int)response.StatusCode} {body}, not {expects.Groups[1].Value}");
            else if (!body.Contains(expects.Groups[2].Value, StringComparison.Ordinal)) faults.Add($"{name}: no {expects.Groups[2].Value} in {body}");
        }
        return faults;
    }

    /// <summary>Opens a WebSocket, hears one message, sends one if there is one to send, and hears one more.</summary>
    private static async Task<int> OpenAsync(Uri url, string message)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws" }.Uri, bound.Token);
        }
        catch (WebSocketException)
        {
            return (int)socket.HttpStatusCode;
        }
        var buffer = new byte[1024];
        await socket.ReceiveAsync(buffer, bound.Token);
        if (message.Length > 0)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, bound.Token);
            await socket.ReceiveAsync(buffer, bound.Token);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, bound.Token);
        return 101;
    }

    private static string Value(string template, Dictionary<string, string> variables, Dictionary<string, (HttpResponseMessage Response, string Body)> answers)
    {
        if (template == "$guid") return Guid.NewGuid().ToString();
        if (variables.TryGetValue(template, out var variable)) return variable;
        // What an earlier step did not give is sent as nothing: the answer tells.
        var parts = template.Split('.', 5);
        var (response, body) = answers[parts[0]];
        if (parts[2] == "headers") return response.Headers.TryGetValues(parts[3], out var values) ? values.Single() : "";
        if (parts[2].StartsWith("html:", StringComparison.Ordinal))
            return Uri.EscapeDataString(Regex.Match(body, $"name=\"{parts[3]["field[".Length..parts[3].IndexOf(']', StringComparison.Ordinal)]}\" value=\"([^\"]*)\"").Groups[1].Value);
        using var json = JsonDocument.Parse(body.StartsWith('{') ? body : "{}");
        var found = json.RootElement;
        return parts[4].Split('.').All(part => found.TryGetProperty(part, out found)) ? found.ToString() : "";
    }

    private static HttpRequestMessage Read(string[] lines, Uri replica, Func<string, string> fill)
    {
        var words = fill(lines[0]).Split(' ');
        var request = new HttpRequestMessage(new HttpMethod(words[0]), new Uri(replica, words[1]));
        var headers = lines.Skip(1).TakeWhile(l => l.Length > 0).Select(l => l.Split(": ", 2)).ToArray();
        var body = string.Join('\n', lines.Skip(headers.Length + 2)).TrimEnd('\n');
        if (body.Length > 0) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(fill(request.Method == HttpMethod.Post && body.StartsWith("--", StringComparison.Ordinal) ? body.ReplaceLineEndings("\r\n") + "\r\n" : body)));
        foreach (var header in headers)
        {
            if (header[0] == "Content-Type") request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(header[1]);
            else request.Headers.TryAddWithoutValidation(header[0], fill(header[1]));
        }
        return request;
    }

    /// <summary>The recorded requests; the one thing to be correlated is the form's token.</summary>
    private static async Task<List<string>> HarAsync(string path, HttpClient client, Func<int, Task<Uri>> before)
    {
        var faults = new List<string>();
        using var har = JsonDocument.Parse(await File.ReadAllTextAsync(path));
        var (token, number) = ("", 0);
        foreach (var entry in har.RootElement.GetProperty("log").GetProperty("entries").EnumerateArray())
        {
            var recorded = entry.GetProperty("request");
            var url = new Uri(recorded.GetProperty("url").GetString()!).PathAndQuery;
            using var request = new HttpRequestMessage(new HttpMethod(recorded.GetProperty("method").GetString()!), new Uri(await before(number++), url));
            if (recorded.TryGetProperty("postData", out var data))
                request.Content = new StringContent(RecordedToken().Replace(data.GetProperty("text").GetString()!, "csrf=" + token), Encoding.UTF8, "application/x-www-form-urlencoded");
            var response = await client.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            if (PageToken().Match(body) is { Success: true } found) token = found.Groups[1].Value;
            var expected = entry.GetProperty("response").GetProperty("status").GetInt32();
            if ((int)response.StatusCode != expected) faults.Add($"{request.Method} {url}: {(int)response.StatusCode} {body}, not {expected}");
        }
        return faults;
    }

    [GeneratedRegex(@"^###.*\n", RegexOptions.Multiline)]
    private static partial Regex Separator();

    [GeneratedRegex(@"^# expects (\d+)(?: ""(.*)"")?$", RegexOptions.Multiline)]
    private static partial Regex Expects();

    [GeneratedRegex(@"\{\{([^}]+)\}\}")]
    private static partial Regex Template();

    [GeneratedRegex("csrf=[0-9a-f]+")]
    private static partial Regex RecordedToken();

    [GeneratedRegex("name=\"csrf\" value=\"([0-9a-f]+)\"")]
    private static partial Regex PageToken();
}
