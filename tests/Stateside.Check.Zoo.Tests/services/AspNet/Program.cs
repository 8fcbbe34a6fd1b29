// One program for all the services in ASP.NET Core, so that it is built once: --kind says which. --dir is the replica's own folder, --shared that of all.
using Zoo.AspNet;

var builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var kind = builder.Configuration["kind"] ?? throw new InvalidOperationException("--kind is missing");
var own = builder.Configuration["dir"] ?? ".";
var shared = builder.Configuration["shared"] ?? ".";
var folder = new Folder(Path.Combine(shared, "things"));

switch (kind)
{
    case "session-memory" or "session-shared":
        Accounts.AddSession(builder, kind == "session-shared", shared);
        break;
    case "cookie-ephemeral":
        Accounts.AddCookie(builder, null);
        break;
    case "cookie-dir":
        Accounts.AddCookie(builder, Path.Combine(own, "keys"));
        break;
    case "cookie-shared":
        Accounts.AddCookie(builder, Path.Combine(shared, "keys"));
        break;
    case "antiforgery":
        Things.AddAntiforgery(builder);
        break;
    case "limiter":
        Things.AddLimiter(builder);
        break;
}

var app = builder.Build();
app.MapGet("/", () => "ok");
switch (kind)
{
    case "session-memory" or "session-shared":
        Accounts.MapSession(app);
        break;
    case "cookie-ephemeral" or "cookie-dir" or "cookie-shared":
        Accounts.MapCookie(app);
        break;
    case "antiforgery":
        Things.MapAntiforgery(app, folder);
        break;
    case "orders":
        Things.MapOrders(app, folder);
        break;
    case "cache":
        Things.MapCache(app, folder);
        break;
    case "tickets":
        Things.MapTickets(app, folder);
        break;
    case "projects":
        Things.MapProjects(app, folder);
        break;
    case "limiter":
        Things.MapLimiter(app);
        break;
    case "hub":
        Things.MapHub(app);
        break;
    case "uploads":
        Things.MapUploads(app, own);
        break;
    default:
        throw new InvalidOperationException($"--kind {kind} is unknown");
}

app.Run();
