using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.ReRuns;

/// <summary>One feature of HTTP: an endpoint that uses it, and the request that calls it.</summary>
internal sealed record Feature(Action<WebApplication> Map)
{
    public const string Path = "/f/1";

    public Func<HttpClient, Task<Reply>> Send { get; init; } = static client => client.SendAsync(HttpMethod.Post, Path);

    public AppSetup Setup { get; init; } = new();

    /// <summary>Part of the answer of a first run, so that two equally wrong answers do not pass.</summary>
    public string Expect { get; init; } = "";

    private static Feature Of(Delegate handler, string expect, Func<HttpClient, Task<Reply>>? send = null) =>
        new(app => app.MapPost("/f/{id}", handler).DisableAntiforgery()) { Expect = expect, Send = send ?? (static client => client.SendAsync(HttpMethod.Post, Path)) };

    private static Func<HttpClient, Task<Reply>> Body(Func<HttpContent> content) => client => client.SendAsync(HttpMethod.Post, Path, content());

    private static long Count(State<Tally> tally) => tally.Update(t => t.Add()).Value;

    public static IReadOnlyDictionary<string, Feature> All { get; } = Responses().Concat(Requests()).Concat(Pipelines()).ToDictionary(f => f.Name, f => f.Feature);

    private static IEnumerable<(string Name, Feature Feature)> Responses()
    {
        yield return ("status", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.StatusCode(StatusCodes.Status202Accepted); }, "202\n"));
        yield return ("string", Of(([RouteKey("id")] State<Tally> tally) => $"count {Count(tally)}", "\n\ncount 1"));
        yield return ("object as JSON", Of(([RouteKey("id")] State<Tally> tally) => new Item("e<", (int)Count(tally)), "\"count\":1}"));
        yield return ("nothing", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); }, "200\n"));
        yield return ("no content", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return TypedResults.NoContent(); }, "204\n"));
        yield return ("created", Of(([RouteKey("id")] State<Tally> tally) => TypedResults.Created("/made/7", Count(tally)), "Location: /made/7"));
        yield return ("union of typed results", Of(Results<Ok<long>, NotFound> ([RouteKey("id")] State<Tally> tally) =>
            Count(tally) > 0 ? TypedResults.Ok(tally.Value.Value) : TypedResults.NotFound(), "200\n"));
        yield return ("redirect", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.Redirect("/elsewhere?a=1"); }, "Location: /elsewhere?a=1"));
        yield return ("redirect that keeps the method", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.Redirect("/elsewhere", permanent: true, preserveMethod: true); }, "308\n"));
        yield return ("problem details", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return TypedResults.Problem("no", statusCode: 409); }, "application/problem+json"));
        yield return ("validation problem", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return TypedResults.ValidationProblem(new Dictionary<string, string[]> { ["a"] = ["b"] }); }, "\"errors\""));
        yield return ("file bytes", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.File("bytes"u8.ToArray(), "image/png", "a b.png"); }, "Content-Disposition: attachment"));
        yield return ("file from disk", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.File(Environment.ProcessPath!, "application/x-file", enableRangeProcessing: true); }, "Accept-Ranges: bytes",
            client => client.SendAsync(HttpMethod.Post, Path, null, ("Range", "bytes=1-3"))));
        yield return ("stream", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.Stream(new MemoryStream("streamed"u8.ToArray()), "text/x"); }, "\n\nstreamed"));
        yield return ("stream by callback", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.Stream(async body => { await body.WriteAsync("called"u8.ToArray()); await body.FlushAsync(); }); }, "\n\ncalled"));
        yield return ("pipe", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.Stream(PipeReader.Create(new MemoryStream("piped"u8.ToArray()))); }, "\n\npiped"));
        yield return ("bytes and text", Of(([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.Text("tëxt", "text/html", Encoding.Latin1, 203); }, "203\n"));
        yield return ("WriteAsync", Of(async (HttpContext http, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            http.Response.Headers["X-First"] = "1";
            await http.Response.WriteAsync("one ");
            await http.Response.WriteAsync("two");
        }, "\n\none two"));
        yield return ("WriteAsJsonAsync", Of(async (HttpContext http, [RouteKey("id")] State<Tally> tally) => await http.Response.WriteAsJsonAsync(new Item("x", (int)Count(tally))), "\"name\":\"x\""));
        yield return ("BodyWriter", Of(async (HttpContext http, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            "span "u8.CopyTo(http.Response.BodyWriter.GetSpan(5));
            http.Response.BodyWriter.Advance(5);
            await http.Response.BodyWriter.WriteAsync("memory"u8.ToArray());
            await http.Response.BodyWriter.FlushAsync();
        }, "\n\nspan memory"));
        yield return ("Body stream", Of(async (HttpContext http, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            await http.Response.Body.WriteAsync("body"u8.ToArray());
            await http.Response.CompleteAsync();
        }, "\n\nbody"));
        yield return ("SendFileAsync", Of(async (HttpContext http, [RouteKey("id")] State<Tally> tally) => { Count(tally); await http.Response.SendFileAsync(Environment.ProcessPath!, 1, 3); }, "\n\nELF"));
        yield return ("headers", Of((HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            response.Headers.Append("X-Many", "a");
            response.Headers.Append("X-Many", "b");
            response.Headers["X-Upstream-Append"] = response.Headers["X-Upstream-Append"] + "+handler";
            response.Headers.Remove("X-Upstream-Removed");
        }, "X-Many: a\nX-Many: b") with { Setup = new() { Before = Upstream } });
        yield return ("Response.Clear()", Of(async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            (response.StatusCode, response.Headers["X-Gone"]) = (418, "1");
            response.Clear();
            await response.WriteAsync("cleared");
        }, "200\nContent-Length: 7") with { Setup = new() { Before = Upstream } });
        yield return ("cookies", Of((HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            response.Cookies.Append("a", "1", new CookieOptions { HttpOnly = true });
            response.Cookies.Append("b", $"{Count(tally)}");
            response.Cookies.Delete("c");
        }, "Set-Cookie: up=1; path=/\nSet-Cookie: a=1; path=/; httponly\nSet-Cookie: b=1") with { Setup = new() { Before = Upstream } });
        yield return ("OnStarting", Of(async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            response.OnStarting(() => { response.Headers.Append("X-Starting", "second"); return Task.CompletedTask; });
            response.OnStarting(() => { response.Headers.Append("X-Starting", "first"); response.Cookies.Append("late", "1"); return Task.CompletedTask; });
            await response.WriteAsync("x");
        }, "X-Starting: first\nX-Starting: second") with { Setup = new() { Before = Upstream } });
        yield return ("what HasStarted says", Of(async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            var before = response.HasStarted;
            await response.WriteAsync($"{before} ");
            await response.WriteAsync($"{response.HasStarted}");
        }, "\n\nFalse True"));
        yield return ("headers after the start", Of(async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            await response.StartAsync();
            var refused = 0;
            try { response.StatusCode = 500; } catch (InvalidOperationException) { refused++; }
            try { response.Headers["X-Late"] = "1"; } catch (InvalidOperationException) { refused++; }
            try { response.OnStarting(() => Task.CompletedTask); } catch (InvalidOperationException) { refused++; }
            await response.WriteAsync($"refused {refused}");
        }, "\n\nrefused 3"));
        yield return ("items and user", Of((HttpContext http, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            var seen = string.Join(',', http.Items.Where(i => i.Key is string { Length: < 20 }).Select(i => $"{i.Key}={i.Value}").Order()) + http.User.Identity?.Name;
            (http.Items["mine"], http.Items["up"]) = (1, "changed");
            http.User = new(new System.Security.Claims.ClaimsIdentity([new("name", "x")], "t", "name", "role"));
            return seen;
        }, "\n\nup=1") with { Setup = new() { Before = Upstream } });
        yield return ("a feature of the run", Of((HttpContext http, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            var found = http.Features.Get<Handshake>() is null;
            http.Features.Set(new Handshake());
            return $"absent {found}";
        }, "\n\nabsent True"));
        yield return ("turn's time and ids", Of(([RouteKey("id")] State<Tally> tally, Turn turn) => { Count(tally); return $"{turn.NewId() == turn.NewId()} {turn.Random(1)}"; }, "\n\nFalse 0"));
        yield return ("new state", new Feature(app => app.MapPost("/f/{id}", ([NewKey] State<Letter> letter) => { letter.Set(new("x")); return TypedResults.Created($"/letters/{letter.Id}", letter.Id); })) { Expect = "Location: /letters/*" });
    }

    private static IEnumerable<(string Name, Feature Feature)> Requests()
    {
        yield return ("JSON body", Of(([RouteKey("id")] State<Tally> tally, Item item) => { Count(tally); return item; }, "\"count\":3}", Body(() => Sending.Json("{\"name\":\"né\",\"count\":3}"))));
        yield return ("chunked JSON body", Of(([RouteKey("id")] State<Tally> tally, Item item) => { Count(tally); return item; }, "\"count\":4", Body(() => Sending.Chunked("{\"name\":\"n\",\"count\":4}"))));
        yield return ("optional body that is absent", Of(([RouteKey("id")] State<Tally> tally, Item? item) => { Count(tally); return $"null {item is null}"; }, "null True"));
        yield return ("optional body that is an empty chunk", Of(([RouteKey("id")] State<Tally> tally, Item? item) => { Count(tally); return $"null {item is null}"; }, "null True", Body(() => Sending.Chunked(""))));
        yield return ("truncated JSON body", Of(([RouteKey("id")] State<Tally> tally, Item item) => { Count(tally); return item; }, "400\n", Body(() => Sending.Json("{\"name\":"))));
        yield return ("form", Of(([RouteKey("id")] State<Tally> tally, IFormCollection form) => { Count(tally); return $"{form["a"]}|{form["b"]}"; }, "\n\n1 2|x,y",
            Body(() => new FormUrlEncodedContent([new("a", "1 2"), new("b", "x"), new("b", "y")]))));
        yield return ("multipart form with a file", Of(async ([RouteKey("id")] State<Tally> tally, [FromForm] string a, IFormFile file) =>
        {
            Count(tally);
            using var reader = new StreamReader(file.OpenReadStream());
            return $"{a}|{file.FileName}|{(await reader.ReadToEndAsync()).Length}";
        }, "\n\n1|f.txt|100000", Body(() => new MultipartFormDataContent { { new StringContent("1"), "a" }, { new StringContent(new string('x', 100_000)), "file", "f.txt" } })));
        yield return ("text by the stream", Of(async (HttpRequest request, [RouteKey("id")] State<Tally> tally) => { Count(tally); return await new StreamReader(request.Body).ReadToEndAsync(); }, "\n\nplain", Body(() => new StringContent("plain"))));
        yield return ("BodyReader", Of(async (HttpRequest request, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            var result = await request.BodyReader.ReadAtLeastAsync(6);
            var text = Encoding.UTF8.GetString(result.Buffer);
            request.BodyReader.AdvanceTo(result.Buffer.End);
            return text;
        }, "\n\nreader", Body(() => new StringContent("reader"))));
        yield return ("bound stream and pipe", Of(async (Stream body, [RouteKey("id")] State<Tally> tally) => { Count(tally); return await new StreamReader(body).ReadToEndAsync(); }, "\n\nbound", Body(() => Sending.Chunked("bound", "text/plain"))));
        yield return ("body read half", Of(async (HttpRequest request, [RouteKey("id")] State<Tally> tally) => { Count(tally); var one = new byte[1]; await request.Body.ReadExactlyAsync(one); return (char)one[0]; }, "h", Body(() => new StringContent("half"))));
        yield return ("buffered body that is read twice", Of(async (HttpRequest request, [RouteKey("id")] State<Tally> tally) =>
        {
            Count(tally);
            request.EnableBuffering();
            var one = await new StreamReader(request.Body, leaveOpen: true).ReadToEndAsync();
            request.Body.Position = 0;
            return one + await new StreamReader(request.Body).ReadToEndAsync();
        }, "\n\nabab", Body(() => new StringContent("ab"))));
        yield return ("body buffered and read upstream", new Feature(app => app.MapPost("/f/{id}", async (HttpRequest request, [RouteKey("id")] State<Tally> tally) => { Count(tally); return await new StreamReader(request.Body).ReadToEndAsync(); }))
        {
            Expect = "\n\nseen",
            Send = Body(() => new StringContent("seen")),
            Setup = new()
            {
                Before = app => app.Use(async (http, next) =>
                {
                    http.Request.EnableBuffering();
                    await http.Request.Body.CopyToAsync(Stream.Null);
                    http.Request.Body.Position = 0;
                    await next();
                }),
            },
        });
        yield return ("query, headers and route", Of((HttpRequest request, string id, [FromQuery] int[] n, [FromHeader(Name = "X-In")] string x, [RouteKey("id")] State<Tally> tally) => { Count(tally); return $"{id} {n.Sum()} {x} {request.Cookies["c"]}"; }, "\n\n1 6 in v",
            client => client.SendAsync(HttpMethod.Post, Path + "?n=1&n=2&n=3", null, ("X-In", "in"), ("Cookie", "c=v"))));
    }

    private static IEnumerable<(string Name, Feature Feature)> Pipelines()
    {
        static Feature Plain(AppSetup setup, string expect, Func<HttpClient, Task<Reply>>? send = null) =>
            Of(([RouteKey("id")] State<Tally> tally) => new Item(string.Concat(Enumerable.Repeat("aaa ", 500)), (int)Count(tally)), expect, send) with { Setup = setup };

        static Func<HttpClient, Task<Reply>> Gzip() => static client => client.SendAsync(HttpMethod.Post, Path, null, ("Accept-Encoding", "gzip"));
        yield return ("compression upstream", Plain(new() { Build = b => b.Services.AddResponseCompression(), Before = app => app.UseResponseCompression() }, "Content-Encoding: gzip", Gzip()));
        yield return ("compression downstream", Plain(new() { Build = b => b.Services.AddResponseCompression(), After = app => app.UseResponseCompression() }, "Content-Encoding: gzip", Gzip()));
        yield return ("body wrapped upstream", Plain(new() { Before = Wrap }, "aaa"));
        yield return ("body wrapped downstream", Plain(new() { After = Wrap }, "X-Wrapped: "));
        yield return ("OnStarting upstream", Plain(new() { Before = app => app.Use((http, next) => { http.Response.OnStarting(() => { http.Response.Headers.Append("X-Up-Starting", $"{http.Response.StatusCode}"); return Task.CompletedTask; }); return next(); }) }, "X-Up-Starting: 200"));
        yield return ("endpoint filter", new Feature(app => app.MapPost("/f/{id}", ([RouteKey("id")] State<Tally> tally) => Count(tally)).AddEndpointFilter(async (c, next) =>
        {
            c.HttpContext.Response.Headers.Append("X-Filter", "before");
            var result = await next(c);
            c.HttpContext.Response.Headers.Append("X-Filter", "after");
            return $"filtered {result}";
        })) { Expect = "\n\nfiltered 1" });
        yield return ("exception page upstream", new Feature(app => app.MapPost("/f/{id}", string ([RouteKey("id")] State<Tally> tally) => throw new FormatException($"private {Count(tally)}")))
        {
            Expect = "500\n",
            Setup = new() { Before = app => app.UseExceptionHandler(e => e.Run(http => http.Response.WriteAsync($"page for {http.Features.Get<IExceptionHandlerFeature>()!.Error.GetType().Name}"))) },
        });
        yield return ("exception page downstream", new Feature(app => app.MapPost("/f/{id}", string (HttpResponse response, [RouteKey("id")] State<Tally> tally) => { response.Headers["X-Half"] = "1"; throw new FormatException($"private {Count(tally)}"); }))
        {
            Expect = "\n\nhandled",
            Setup = new() { After = app => app.UseExceptionHandler(e => e.Run(http => { http.Response.StatusCode = 422; return http.Response.WriteAsync("handled"); })) },
        });
        yield return ("status page upstream", new Feature(app => app.MapPost("/f/{id}", ([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.NotFound(); })) { Expect = "Status Code: 404", Setup = new() { Before = app => app.UseStatusCodePages() } });
        yield return ("status page downstream", new Feature(app => app.MapPost("/f/{id}", ([RouteKey("id")] State<Tally> tally) => { Count(tally); return Results.NotFound(); })) { Expect = "Status Code: 404", Setup = new() { After = app => app.UseStatusCodePages() } });
        yield return ("status page that keeps off a written answer", new Feature(app => app.MapPost("/f/{id}", async (HttpResponse response, [RouteKey("id")] State<Tally> tally) => { Count(tally); response.StatusCode = 404; await response.WriteAsync("own"); })) { Expect = "\n\nown", Setup = new() { After = app => app.UseStatusCodePages() } });
        yield return ("scoped service", new Feature(app => app.MapPost("/f/{id}", (Scratch scratch, [RouteKey("id")] State<Tally> tally) => { Count(tally); return $"{++scratch.Uses}"; })) { Expect = "\n\n1", Setup = new() { Build = b => b.Services.AddScoped<Scratch>() } });
        yield return ("antiforgery token", new Feature(app => app.MapPost("/f/{id}", (HttpContext http, Microsoft.AspNetCore.Antiforgery.IAntiforgery antiforgery, [RouteKey("id")] State<Tally> tally) => { Count(tally); antiforgery.GetAndStoreTokens(http); return "token"; })) { Expect = "Set-Cookie: .AspNetCore.Antiforgery", Setup = new() { Build = b => b.Services.AddAntiforgery() } });
        yield return ("state in a service", new Feature(app => app.MapPost("/f/{id}", (Clerk clerk, [RouteKey("id")] State<Tally> tally) => $"{clerk.Count()} {tally.Value.Value}")) { Expect = "\n\n1 1", Setup = new() { Build = b => b.Services.AddScoped<Clerk>() } });
        yield return ("HTTP/2", Plain(new() { Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2 }, "aaa", client => client.SendAsync(HttpMethod.Post, Path, Sending.Chunked("{}"))));
    }

    private static void Upstream(WebApplication app) => app.Use((http, next) =>
    {
        (http.Response.Headers["X-Upstream"], http.Response.Headers["X-Upstream-Append"], http.Response.Headers["X-Upstream-Removed"]) = ("1", "up", "1");
        http.Response.Cookies.Append("up", "1");
        http.Items["up"] = "1";
        return next();
    });

    /// <summary>A middleware of the old kind: puts its own stream in place, and copies what came.</summary>
    private static void Wrap(WebApplication app) => app.Use(async (http, next) =>
    {
        var original = http.Response.Body;
        using var own = new MemoryStream();
        http.Response.Body = own;
        await next();
        http.Response.Body = original;
        http.Response.Headers["X-Wrapped"] = $"{own.Length}";
        http.Response.ContentLength = own.Length;
        own.Position = 0;
        await own.CopyToAsync(original);
    });

    private sealed class Handshake;

    private sealed class Scratch
    {
        public int Uses { get; set; }
    }

    /// <summary>A service of the application that takes the state of the run it belongs to.</summary>
    private sealed class Clerk(State<Tally> tally)
    {
        public long Count() => tally.Update(t => t.Add()).Value;
    }
}
