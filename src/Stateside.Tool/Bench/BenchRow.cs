namespace Stateside.Tool.Bench;

/// <summary>One kind of request to one server.</summary>
/// <param name="Name">The name in tables and JSON.</param>
/// <param name="Server">The server it runs on; each runs alone.</param>
/// <param name="Method">GET reads the cart, POST reads it and writes another as large.</param>
/// <param name="Aim">The ratio to bare that the project aims at with 1 KB and 32 connections, or null.</param>
internal sealed record BenchRow(string Name, BenchServer Server, string Method, double? Aim = null)
{
    /// <summary>What everything else is compared with; always measured.</summary>
    public static readonly BenchRow Bare = new("bare", BenchServer.Bare, "GET");

    public static readonly BenchRow[] All =
    [
        Bare,
        new("client-read", BenchServer.Client, "GET", 0.80),
        new("client-write", BenchServer.Client, "POST", 0.60),
        new("memory-read", BenchServer.Memory, "GET", 0.90),
        new("memory-write", BenchServer.Memory, "POST", 0.80),
        new("sqlite-read", BenchServer.Sqlite, "GET", 0.80),
        new("sqlite-write", BenchServer.Sqlite, "POST", 0.38),
        new("redis-read", BenchServer.Redis, "GET", 0.58),
        new("redis-write", BenchServer.Redis, "POST", 0.45),
        new("redis-cached-write", BenchServer.RedisCached, "POST", 0.52),
        new("redis-by-hand-read", BenchServer.RedisByHand, "GET"),
        new("redis-by-hand-write", BenchServer.RedisByHand, "POST"),
        new("postgres-read", BenchServer.Postgres, "GET", 0.50),
        new("postgres-write", BenchServer.Postgres, "POST", 0.30),
        new("postgres-cached-write", BenchServer.PostgresCached, "POST"),
        new("postgres-by-hand-read", BenchServer.PostgresByHand, "GET"),
        new("postgres-by-hand-write", BenchServer.PostgresByHand, "POST"),
        new("node-sqlite-read", BenchServer.NodeSqlite, "GET", 0.85),
        new("node-sqlite-write", BenchServer.NodeSqlite, "POST"),
        new("node-redis-write", BenchServer.NodeRedis, "POST"),
        new("node-postgres-write", BenchServer.NodePostgres, "POST"),
        new("node-checkpoint-write", BenchServer.NodeCheckpoint, "POST", 0.80),
        new("node-none-write", BenchServer.NodeNone, "POST", 0.80),
        new("session-read", BenchServer.Session, "GET"),
        new("session-write", BenchServer.Session, "POST"),
        new("data-protection-cookie-read", BenchServer.DataProtectionCookie, "GET"),
        new("data-protection-cookie-write", BenchServer.DataProtectionCookie, "POST"),
        new("express-redis-read", BenchServer.ExpressRedis, "GET"),
        new("express-redis-write", BenchServer.ExpressRedis, "POST"),
        new("iron-session-read", BenchServer.IronSession, "GET"),
        new("iron-session-write", BenchServer.IronSession, "POST"),
    ];
}

/// <summary>What is measured once in each repetition.</summary>
/// <param name="Row">Which request to which server.</param>
/// <param name="Connections">How many requests are on their way at any time.</param>
/// <param name="Kilobytes">The size of the cart.</param>
internal sealed record BenchCase(BenchRow Row, int Connections, double Kilobytes)
{
    /// <summary>What this is compared with.</summary>
    public BenchCase OfBare => this with { Row = BenchRow.Bare };

    /// <summary>The project's aims are for this case alone.</summary>
    public double? Aim => Connections == 32 && Kilobytes == 1 ? Row.Aim : null;
}

/// <summary>What one measurement gave.</summary>
/// <param name="RequestsPerSecond">Answered requests.</param>
/// <param name="P50">Microseconds within which half of them were answered.</param>
/// <param name="P99">Microseconds within which 99 of 100 were answered.</param>
/// <param name="Cores">Processors that the server kept busy.</param>
/// <param name="CpuPerRequest">Microseconds of processor time that the server spent on each request.</param>
/// <param name="StoreCpuPerRequest">The same for the store's own server; 0 where there is none.</param>
/// <param name="TripsPerRequest">Trips to the store, as the server itself or the store counts them; null where there is no store.</param>
/// <param name="RequestBytes">The size of a request on the wire, headers included.</param>
/// <param name="ResponseBytes">The size of a response on the wire, headers included.</param>
/// <param name="Errors">Requests that were not answered, or not with a success.</param>
internal sealed record BenchSample(
    double RequestsPerSecond, double P50, double P99, double Cores, double CpuPerRequest, double StoreCpuPerRequest,
    double? TripsPerRequest, double RequestBytes, double ResponseBytes, long Errors);
