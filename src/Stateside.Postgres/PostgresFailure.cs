using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>Makes of what went wrong one line for the operator: what happened, and the fix.</summary>
internal static class PostgresFailure
{
    public static StoreException Of(Exception e, Applied applied) => new(Line(e), applied, e);

    public static StoreException Closed() => new("The PostgreSQL store has been closed.", Applied.No);

    public static StoreException Overloaded(int most) =>
        new($"More is waiting for PostgreSQL than it can take: {most}, or too many bytes. This one was not begun; send fewer at once.", Applied.No);

    public static StoreException TooLarge(int most) => new($"A body is larger than the {most} bytes that this store takes. Nothing was written: keep less in one state.", Applied.No);

    public static StoreException BadText() => new("PostgreSQL keeps no text with a NUL character or half a surrogate pair. Nothing was written.", Applied.No);

    public static StoreException NotReplicated() =>
        new("The server ended its wait for the synchronous standby early, so whether the commit would survive the loss of the server is unknown.", Applied.Unknown);

    /// <summary>Five characters for the log, which say no more than the kind of failure.</summary>
    public static string State(Exception e) => Find<PostgresException>(e)?.SqlState ?? (Find<TimeoutException>(e) is null ? "connection" : "time-out");

    /// <summary>Whether it is the server that cannot go on, so that another commit would fare no better.</summary>
    public static bool IsServerWide(PostgresException e) => e.SqlState.AsSpan(0, 2) is "25" or "28" or "42" or "53" or "57" or "58" or "3D" or "3F" or "F0" or "XX";

    /// <summary>Whether the connection ended, by the server's word or without one; not whether it was silent for too long.</summary>
    public static bool IsBroken(Exception e) => e is PostgresException { InvariantSeverity: not "ERROR" } || Find<TimeoutException>(e) is null && e is NpgsqlException and not PostgresException;

    private static string Line(Exception e)
    {
        if (Find<PostgresException>(e) is { } answer) return Line(answer.SqlState);
        if (Find<AuthenticationException>(e) is not null)
            return "The PostgreSQL server's certificate was not accepted, or TLS could not be agreed on. Name the authority with sslrootcert=FILE, and see that the host's name is the certificate's.";
        if (Find<SocketException>(e) is { } socket)
            return $"The PostgreSQL server cannot be reached ({socket.SocketErrorCode}). See that it runs, that host and port in the URL are right, and that no firewall is between.";
        if (Find<TimeoutException>(e) is not null || e is OperationCanceledException)
            return "The PostgreSQL server did not answer in time. See that it runs and is not overloaded; connect_timeout and command_timeout in the URL say how long to wait.";
        if (Find<NpgsqlException>(e) is { } client && client.Message.Contains("No password", StringComparison.Ordinal))
            return "The PostgreSQL server asks for a password. Give it in the URL, in PGPASSWORD or in the password file.";
        if (Find<NpgsqlException>(e) is { } unsecured && unsecured.Message.StartsWith("SSL connection requested", StringComparison.Ordinal))
            return "The PostgreSQL server offers no TLS, and the URL asks for it. Switch it on there (ssl = on, and a certificate), or write sslmode=prefer.";
        if (Find<NpgsqlException>(e) is { } other && other.Message.Contains("No suitable host", StringComparison.Ordinal))
            return "None of the PostgreSQL servers in the URL takes writes. Promote one, or name the primary.";
        return "The connection to the PostgreSQL server broke. It is opened anew with the next request; see the server's log for the reason.";
    }

    private static string Line(string state) => state switch
    {
        "28P01" => "PostgreSQL refused the password. Correct it in the URL, in PGPASSWORD or in the password file.",
        "28000" => "PostgreSQL does not let this user in. See that the role exists and may log in, and that pg_hba.conf has a line for it.",
        "3D000" => "The database in the URL does not exist on the PostgreSQL server. Create it (createdb) or correct the name.",
        "42501" => "The PostgreSQL role lacks a privilege. It needs CREATE on the database when the schema is made, and afterwards all privileges on the schema and its tables.",
        "42P01" or "42703" or "3F000" => "The tables of the store are not as they were when it was opened. Start the application again, and it creates what is missing.",
        "25006" => "The PostgreSQL server takes no writes: it is a standby, or default_transaction_read_only is on. Name the primary, or list all hosts in the URL.",
        "53100" => "The disk of the PostgreSQL server is full. Nothing that was acknowledged is lost: free some space, and writing goes on by itself.",
        "53300" => "The PostgreSQL server has no connection left. Raise max_connections, or lower pool=N in the URL of each process.",
        "53200" => "The PostgreSQL server has no memory left for this. If its log names max_locks_per_transaction, raise that.",
        "57P03" => "The PostgreSQL server is starting up or shutting down. It is tried again with the next request.",
        "57P01" or "57P02" => "The PostgreSQL server was shut down, or an administrator ended the connection. It is opened anew with the next request.",
        "57014" => "The PostgreSQL server cancelled the statement: an administrator did, or statement_timeout is too short.",
        "40P01" or "40001" => "PostgreSQL rolled the commit back because another was in its way, several times. Try again.",
        _ => $"PostgreSQL refused the statement with code {state}. Nothing of it was written; the server's log says why.",
    };

    private static T? Find<T>(Exception? e) where T : Exception
    {
        for (; e is not null; e = e is AggregateException { InnerExceptions: [.., var last] } ? last : e.InnerException)
            if (e is T found) return found;
        return null;
    }
}
