using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Stateside.Check.Reports;

namespace Stateside.Check.Tests.Experiments;

public sealed class SecrecyTests
{
    /// <summary>The service shows what it was told where nobody would look for a secret, and keeps it in its memory, so that there are findings about it.</summary>
    [Fact]
    public async Task No_report_shows_a_secret_even_where_the_service_repeats_it()
    {
        const string Scenario = """
            # @secret contract
            @contract = AZ-4711-XK

            # @name login
            POST /login
            Content-Type: application/x-www-form-urlencoded

            user=ann&password=hunter2%21hunter2

            ###
            # @name note
            POST /notes
            Authorization: Bearer {{login.response.body.$.token}}
            Content-Type: application/json

            {"text": "{{contract}}"}

            ###
            # @name read
            GET /notes
            Authorization: Bearer {{login.response.body.$.token}}
            """;
        var report = await Checking.RunAsync(Scenario, (app, s) =>
        {
            app.MapPost("/login", async (HttpRequest request, HttpResponse response) =>
            {
                var form = await request.ReadFormAsync();
                var token = "tok-" + Guid.NewGuid().ToString("N");
                s.Memory[token] = form["password"].ToString();
                response.Cookies.Append("basket", "bsk-" + Guid.NewGuid().ToString("N"));
                return Results.Json(new { token });
            });
            app.MapPost("/notes", async (HttpRequest request) =>
            {
                if (Who(s, request) is not { } token) return Results.Text($"who is {request.Headers.Authorization}?", statusCode: 401);
                s.Memory["note " + token] = await new StreamReader(request.Body).ReadToEndAsync();
                return Results.Text("noted");
            });
            app.MapGet("/notes", (HttpRequest request) => Who(s, request) is { } token
                ? Results.Text($"your word is {s.Memory[token]}, your sign {token}, your basket {request.Cookies["basket"]}; {s.Memory.GetValueOrDefault("note " + token)}")
                : Results.Text($"who is {request.Headers.Authorization} with {request.Cookies["basket"]}?", statusCode: 401));
        });
        Assert.Contains('f', Checking.Answers(report));
        var all = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var write in new Action<CheckReport, TextWriter>[] { JsonReport.Write, HtmlReport.Write, SarifReport.Write, JUnitReport.Write }) write(report, all);
        var text = all.ToString();
        Assert.Contains("your word is", text, StringComparison.Ordinal);
        foreach (var secret in new[] { "hunter2", "AZ-4711", }) Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        // Four leading characters may stay, which tell one kind of token from another.
        Assert.DoesNotMatch("tok-[0-9a-f]", text);
        Assert.DoesNotMatch("bsk-[0-9a-f]", text);
    }

    private static string? Who(Surroundings s, HttpRequest request) =>
        request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var token] && s.Memory.ContainsKey(token) ? token : null;
}
