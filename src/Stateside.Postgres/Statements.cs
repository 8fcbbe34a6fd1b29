using System.Globalization;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>What a batch of commits holds, so that its statement has no part that would find nothing to do.</summary>
[Flags]
internal enum CommitParts
{
    None = 0,
    Rows = 1,
    Keeps = 2,
    Events = 4,
    Receipts = 8,
    Fences = 16,
    Done = 32,
    Effects = 64,
}

/// <summary>
/// The statements, for one schema. Its name was checked to be a plain identifier and is quoted; everything else that comes in is a parameter.
/// </summary>
internal sealed class Statements(string schema)
{
    private const string NowIs = "t AS MATERIALIZED (SELECT floor(extract(epoch FROM statement_timestamp()) * 1000)::int8 AS now)";
    private const string Holds = "c NOT IN (SELECT c FROM bad)";

    private static readonly string s_tombstone = ((long)RowWrite.TombstoneLife.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    public string Schema => schema;

    /// <summary>Who writes and who watches: a store has no need to hear of what it wrote itself.</summary>
    public TurnId Self { get; } = TurnId.New();

    /// <summary>Takes the locks in the order given: all processes sort them, so that no two wait for each other.</summary>
    public static string Lock => "SELECT pg_advisory_xact_lock(k) FROM unnest($1::int8[]) AS k";

    /// <summary>What is locked for a fence. No group begins with this character.</summary>
    public static string ShardLock(int shard) => string.Create(CultureInfo.InvariantCulture, $"#{shard}");

    /// <summary>Rows ($1 to $3) and, if asked for, receipts ($4, $5), as of one moment. What is not there is not answered.</summary>
    public string Load(bool receipts) => $"""
        WITH {NowIs}
        SELECT k.o, r.counter, r.turn, r.shape, r.seq, r.ends - (SELECT now FROM t), r.body, NULL::bytea
        FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(grp, name, item, o)
        JOIN "{schema}".rows r ON r.grp = k.grp AND r.name = k.name AND r.item = k.item
        """ + (receipts ? $"""

        UNION ALL
        SELECT -k.o, s.status, s.claim, 0, s.lease - (SELECT now FROM t), s.ends - (SELECT now FROM t), s.body, s.fingerprint
        FROM unnest($4::text[], $5::bytea[]) WITH ORDINALITY AS k(grp, id, o)
        JOIN "{schema}".receipts s ON s.grp = k.grp AND s.id = k.id
        """ : "");

    /// <summary>
    /// Decides each commit (c) of a batch and writes those that hold. All parts see the tables as they were when the statement began, which
    /// was after the locks were taken. It answers with what stands in the way of those that do not hold: why is 1 for the fence, 2 for the
    /// receipt, 3 for a version.
    /// </summary>
    public string Commit(CommitParts parts)
    {
        var at = 0;
        string Next(string types) => string.Join(", ", types.Split(' ').Select(type => string.Create(CultureInfo.InvariantCulture, $"${++at}::{type}[]")));
        bool Has(CommitParts part) => (parts & part) != 0;

        List<string> read = [NowIs], reasons = [], write = [];
        if (Has(CommitParts.Rows))
        {
            read.Add(ReadRows(Next("int4 text text text int2 int8 uuid int8 uuid int4 int8 int8 int8 bytea")));
            reasons.Add("SELECT c, 3 AS why FROM w WHERE change <> 3 AND NOT held");
            write.AddRange(WriteRows(Has(CommitParts.Keeps)));
        }
        if (Has(CommitParts.Events)) write.Add(WriteEvents(Next("int4 text text text int8 uuid int4 bytea")));
        if (Has(CommitParts.Receipts))
        {
            read.Add(ReadReceipts(Next("int4 text bytea int2 bytea uuid bool uuid int8 int8 bytea")));
            reasons.Add("SELECT c, 2 FROM rx WHERE NOT held");
            write.Add(WriteReceipts);
        }
        if (Has(CommitParts.Fences))
        {
            read.Add($"fx AS MATERIALIZED (SELECT f.*, e.epoch AS had FROM unnest({Next("int4 int4 int8")}) AS f(c, shard, epoch) LEFT JOIN \"{schema}\".epochs e ON e.shard = f.shard)");
            reasons.Add("SELECT c, 1 FROM fx WHERE had > epoch");
            write.Add(WriteFences);
        }
        if (Has(CommitParts.Done))
            write.Add($"edel AS (DELETE FROM \"{schema}\".effects e USING unnest({Next("int4 text text")}) AS d(c, grp, id) WHERE e.grp = d.grp AND e.id = d.id AND d.{Holds})");
        if (Has(CommitParts.Effects)) write.Add(WriteEffects(Next("int4 text text text int8 bytea")));
        // A commit with nothing to check holds; a batch of such commits needs the name all the same.
        if (reasons.Count == 0) reasons.Add("SELECT 0 AS c, 0 AS why WHERE false");
        read.Add($"bad AS MATERIALIZED (SELECT c, min(why) AS why FROM ({string.Join(" UNION ALL ", reasons)}) x(c, why) GROUP BY c)");
        return $"WITH {string.Join(",\n", read.Concat(write))}\n{Answer(parts)}";
    }

    /// <summary>
    /// Tells of changes, if anybody but the writer ($3) watches; answers with a row if so. PostgreSQL lets transactions that tell of something
    /// end one after the other only.
    /// </summary>
    public string Notify => $"""
        SELECT pg_notify($1, $2)::text FROM "{schema}".watchers WHERE ends > extract(epoch FROM statement_timestamp()) * 1000 AND id <> $3 LIMIT 1
        """;

    public string List => $"""
        WITH {NowIs} SELECT name, item FROM "{schema}".rows WHERE grp = $1 AND body IS NOT NULL AND (ends IS NULL OR ends > (SELECT now FROM t))
        ORDER BY name, item LIMIT $2
        """;

    public string Journal => $"""
        WITH {NowIs} SELECT j.seq, j.turn, j.shape, j.body FROM "{schema}".journal j
        JOIN "{schema}".rows r ON r.grp = j.grp AND r.name = j.name AND r.item = j.item
        WHERE j.grp = $1 AND j.name = $2 AND j.item = $3 AND j.seq > $4 AND r.body IS NOT NULL AND (r.ends IS NULL OR r.ends > (SELECT now FROM t))
        ORDER BY j.seq LIMIT $5
        """;

    public string Due => $"""
        WITH {NowIs} SELECT grp, id, name, body FROM "{schema}".effects WHERE due <= (SELECT now FROM t) ORDER BY due, grp, id LIMIT $1
        """;

    /// <summary>
    /// Looks at most at $1 rows and receipts whose time may have come; answers how many, and how many of them were removed. Who is being
    /// written is passed over, and a row once locked here is judged by what it is then.
    /// </summary>
    public string CleanUp => $"""
        WITH {NowIs},
        seen AS MATERIALIZED (SELECT grp, name, item, ends FROM "{schema}".rows WHERE sweep <= (SELECT now FROM t) ORDER BY sweep LIMIT $1 FOR UPDATE SKIP LOCKED),
        gone AS MATERIALIZED (SELECT grp, name, item FROM seen WHERE ends + {s_tombstone} <= (SELECT now FROM t)),
        kept AS (UPDATE "{schema}".rows r SET sweep = s.ends + {s_tombstone} FROM seen s
            WHERE r.grp = s.grp AND r.name = s.name AND r.item = s.item AND (s.ends IS NULL OR s.ends + {s_tombstone} > (SELECT now FROM t))),
        jdel AS (DELETE FROM "{schema}".journal j USING gone g WHERE j.grp = g.grp AND j.name = g.name AND j.item = g.item),
        rdel AS (DELETE FROM "{schema}".rows r USING gone g WHERE r.grp = g.grp AND r.name = g.name AND r.item = g.item),
        old AS MATERIALIZED (SELECT grp, id FROM "{schema}".receipts WHERE ends <= (SELECT now FROM t) ORDER BY ends
            LIMIT $1 - (SELECT count(*) FROM seen) FOR UPDATE SKIP LOCKED),
        sdel AS (DELETE FROM "{schema}".receipts s USING old o WHERE s.grp = o.grp AND s.id = o.id)
        SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM old), (SELECT count(*) FROM gone) + (SELECT count(*) FROM old)
        """;

    public string Watch => $"""
        INSERT INTO "{schema}".watchers (id, ends) VALUES ($1, floor(extract(epoch FROM statement_timestamp()) * 1000)::int8 + $2)
        ON CONFLICT (id) DO UPDATE SET ends = EXCLUDED.ends
        """;

    public string Unwatch => $"DELETE FROM \"{schema}\".watchers WHERE id = $1 OR ends < floor(extract(epoch FROM statement_timestamp()) * 1000)::int8";

    private string ReadRows(string arrays) => $"""
        w AS MATERIALIZED (
            SELECT i.*, r.grp IS NOT NULL AS there, coalesce(r.body IS NOT NULL AND (r.ends IS NULL OR r.ends > (SELECT now FROM t)), false) AS lives,
                coalesce(r.counter, 0) = i.counter AND coalesce(r.turn, '00000000-0000-0000-0000-000000000000') = i.turn AS held,
                CASE WHEN i.change = 2 THEN (SELECT now FROM t) WHEN i.life >= 0 THEN (SELECT now FROM t) + i.life END AS until
            FROM unnest({arrays}) WITH ORDINALITY AS i(c, grp, name, item, change, counter, turn, counts, writes, shape, base, seq, life, body, o)
            LEFT JOIN "{schema}".rows r ON r.grp = i.grp AND r.name = i.name AND r.item = i.item)
        """;

    private IEnumerable<string> WriteRows(bool keeps)
    {
        yield return $"""
            put AS (INSERT INTO "{schema}".rows AS r (grp, name, item, counter, turn, shape, seq, ends, sweep, body)
                SELECT grp, name, item, counts, writes, shape, CASE WHEN change = 1 THEN seq ELSE 0 END, until, until + {s_tombstone}, CASE WHEN change = 1 THEN body END
                FROM w WHERE change IN (1, 2) AND {Holds}
                ON CONFLICT (grp, name, item) DO UPDATE SET counter = EXCLUDED.counter, turn = EXCLUDED.turn, shape = EXCLUDED.shape, seq = EXCLUDED.seq,
                    ends = EXCLUDED.ends, sweep = LEAST(r.sweep, EXCLUDED.sweep), body = EXCLUDED.body)
            """;
        // What is written over a row that is gone begins a new journal; its own new events replace old ones of the same numbers.
        yield return $"""
            jdel AS (DELETE FROM "{schema}".journal j USING w WHERE w.there AND (w.change = 2 OR w.change = 1 AND NOT w.lives) AND w.{Holds}
                AND j.grp = w.grp AND j.name = w.name AND j.item = w.item AND NOT (w.change = 1 AND j.seq > w.base AND j.seq <= w.seq))
            """;
        if (keeps) yield return $"""
            keep AS (UPDATE "{schema}".rows r SET ends = w.until, sweep = LEAST(r.sweep, w.until + {s_tombstone}) FROM w
                WHERE w.change IN (0, 3) AND w.life >= 0 AND w.held AND w.lives AND w.{Holds} AND r.grp = w.grp AND r.name = w.name AND r.item = w.item)
            """;
    }

    private string WriteEvents(string arrays) => $"""
        jput AS (INSERT INTO "{schema}".journal (grp, name, item, seq, turn, shape, body)
            SELECT grp, name, item, seq, turn, shape, body FROM unnest({arrays}) AS v(c, grp, name, item, seq, turn, shape, body) WHERE {Holds}
            ON CONFLICT (grp, name, item, seq) DO UPDATE SET turn = EXCLUDED.turn, shape = EXCLUDED.shape, body = EXCLUDED.body)
        """;

    private string ReadReceipts(string arrays) => $"""
        rx AS MATERIALIZED (
            SELECT i.*, CASE WHEN i.expects THEN coalesce(s.ends > (SELECT now FROM t) AND s.status <> 2 AND s.claim = i.expected, false)
                ELSE NOT coalesce(s.ends > (SELECT now FROM t), false) END AS held
            FROM unnest({arrays}) AS i(c, grp, id, status, fingerprint, claim, expects, expected, lease, life, body)
            LEFT JOIN "{schema}".receipts s ON s.grp = i.grp AND s.id = i.id)
        """;

    private string WriteReceipts => $"""
        rput AS (INSERT INTO "{schema}".receipts (grp, id, status, fingerprint, claim, lease, ends, body)
            SELECT grp, id, status, fingerprint, claim, (SELECT now FROM t) + lease, (SELECT now FROM t) + life, body FROM rx WHERE {Holds}
            ON CONFLICT (grp, id) DO UPDATE SET status = EXCLUDED.status, fingerprint = EXCLUDED.fingerprint, claim = EXCLUDED.claim,
                lease = EXCLUDED.lease, ends = EXCLUDED.ends, body = EXCLUDED.body)
        """;

    private string WriteFences => $"""
        fput AS (INSERT INTO "{schema}".epochs (shard, epoch) SELECT shard, max(epoch) FROM fx WHERE {Holds} AND (had IS NULL OR had < epoch) GROUP BY shard
            ON CONFLICT (shard) DO UPDATE SET epoch = EXCLUDED.epoch)
        """;

    private string WriteEffects(string arrays) => $"""
        eput AS (INSERT INTO "{schema}".effects (grp, id, name, due, body)
            SELECT grp, id, name, (SELECT now FROM t) + after, body FROM unnest({arrays}) AS e(c, grp, id, name, after, body) WHERE {Holds}
            ON CONFLICT (grp, id) DO UPDATE SET name = EXCLUDED.name, due = EXCLUDED.due, body = EXCLUDED.body)
        """;

    /// <summary>The same columns as a load's, before them the commit, the reason and the epoch.</summary>
    private string Answer(CommitParts parts)
    {
        var (rows, receipts, fences) = ((parts & CommitParts.Rows) != 0, (parts & CommitParts.Receipts) != 0, (parts & CommitParts.Fences) != 0);
        List<string> answers = [];
        if (fences) answers.Add("SELECT b.c, b.why, fx.had, 0::int8, 0::int8, NULL::uuid, 0, 0::int8, 0::int8, NULL::bytea, NULL::bytea FROM bad b JOIN fx ON fx.c = b.c WHERE b.why = 1");
        if (receipts) answers.Add($"""
            SELECT b.c, b.why, 0::int8, 0::int8, s.status::int8, s.claim, 0, s.lease - (SELECT now FROM t), s.ends - (SELECT now FROM t), s.body, s.fingerprint
            FROM bad b JOIN rx ON rx.c = b.c LEFT JOIN "{schema}".receipts s ON s.grp = rx.grp AND s.id = rx.id WHERE b.why = 2
            """);
        if (rows) answers.Add($"""
            SELECT b.c, b.why, 0::int8, w.o, r.counter, r.turn, r.shape, r.seq, r.ends - (SELECT now FROM t), r.body, NULL::bytea
            FROM bad b JOIN w ON w.c = b.c LEFT JOIN "{schema}".rows r ON r.grp = w.grp AND r.name = w.name AND r.item = w.item WHERE b.why = 3
            """);
        return answers.Count == 0 ? "SELECT 1 WHERE false" : string.Join("\nUNION ALL ", answers);
    }
}
