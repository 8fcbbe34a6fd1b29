using System.Net.Http.Headers;
using System.Net.Http.Json;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Mvc;

public sealed class RerunTests
{
    private static readonly string[] Actions = ["cart", "both", "orders", "text", "redirect", "cookie", "refused", "file", "missing", "typed", "form", "body", "counters/a"];

    public static TheoryData<string, string, int> Runs()
    {
        var data = new TheoryData<string, string, int>();
        foreach (var style in new[] { "api", "plain" })
            foreach (var action in Actions)
                foreach (var conflicts in new[] { 1, 3 }) data.Add(style, action, conflicts);
        return data;
    }

    [Theory, MemberData(nameof(Runs))]
    public async Task A_second_run_answers_as_the_first_would_have(string style, string action, int conflicts)
    {
        var (expected, before) = await AnswerAsync(style, action, 0);
        var (actual, after) = await AnswerAsync(style, action, conflicts);
        // The action called "both" counts its runs, to show that they were really repeated.
        if (action == "both") expected = expected.Replace("\"quantity\":6", $"\"quantity\":{6 + conflicts}", StringComparison.Ordinal);
        Assert.Equal(expected, actual);
        Assert.Equal((0, conflicts), (before, after));
        Assert.DoesNotContain("406", actual, StringComparison.Ordinal);
        Assert.Contains("\nX-Upstream: 1\nX-Upstream-Last: 1\n", actual, StringComparison.Ordinal);
    }

    /// <summary>The whole response as text, without what is new by design in each: versions, ids and times.</summary>
    private static async Task<(string Answer, int Conflicts)> AnswerAsync(string style, string action, int conflicts)
    {
        await using var app = await TestApp.StartMvcAsync(typeof(ApiStatesController), typeof(PlainStatesController));
        await app.Client.PostAsync($"/{style}/cart?quantity=5", null);
        if (conflicts > 0) app.Store.ForceConflicts(conflicts);
        var request = new HttpRequestMessage(HttpMethod.Post, $"/{style}/{action}");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("*/*", 0.1));
        if (action == "form") request.Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["quantity"] = "2" });
        if (action == "body") request.Content = JsonContent.Create(new Cart(2));

        var sending = app.Client.SendAsync(request);
        while (!sending.IsCompleted)
        {
            // From the second conflict on the engine pauses for a moment, on the clock that stands still here.
            if (await app.Clock.NextWaitAsync() is var pause && pause < TimeSpan.FromSeconds(1)) app.Clock.Advance(pause);
            await Task.Yield();
        }
        var response = await sending;
        var headers = response.Headers.Concat(response.Content.Headers).OrderBy(h => h.Key)
            .Select(h => $"{h.Key}: {(h.Key is "ETag" or "Location" && action != "redirect" ? "*" : string.Join(" | ", h.Value))}");
        var text = $"{(int)response.StatusCode}\n{string.Join("\n", headers)}\n\n{await response.Content.ReadAsStringAsync()}";
        return (System.Text.RegularExpressions.Regex.Replace(text, "\"traceId\":\"[^\"]*\"|00-[0-9a-f-]*", ""), app.Store.Calls.Count(c => c.Outcome == StoreOutcome.Conflict));
    }
}
