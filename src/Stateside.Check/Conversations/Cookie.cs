namespace Stateside.Check.Conversations;

/// <summary>A cookie as it was set.</summary>
/// <param name="Name">The name; may be empty.</param>
/// <param name="Value">The value, as it came.</param>
public sealed record Cookie(string Name, string Value)
{
    /// <summary>The path it is sent to, with what lies below.</summary>
    public string Path { get; init; } = "/";

    /// <summary>The Domain attribute as it came, or null. It is reported, but has no effect: every cookie is for the one host.</summary>
    public string? Domain { get; init; }

    /// <summary>Whether it has the attribute Secure. It has no effect: replicas on loopback are trusted.</summary>
    public bool Secure { get; init; }

    /// <summary>Whether it has the attribute HttpOnly.</summary>
    public bool HttpOnly { get; init; }

    /// <summary>The attribute SameSite as it came, or null.</summary>
    public string? SameSite { get; init; }

    /// <summary>Whether it has the attribute Partitioned.</summary>
    public bool Partitioned { get; init; }

    /// <summary>Max-Age in seconds, or null.</summary>
    public long? MaxAge { get; init; }

    /// <summary>The Expires date, or null.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Whether the cookie was set to be removed: an age of 0 or less, or a date that is not after <paramref name="now"/>.</summary>
    public bool RemovesAt(DateTimeOffset now) => MaxAge is { } age ? age <= 0 : Expires is { } date && date <= now;
}

/// <summary>A Set-Cookie field that a response carried.</summary>
/// <param name="Cookie">What it sets or removes.</param>
/// <param name="Raw">The field's value.</param>
/// <param name="Step">The step's number.</param>
/// <param name="Replica">The replica, from 0.</param>
/// <param name="Refused">Why a browser would not keep it, or null if it was kept.</param>
public sealed record CookieSeen(Cookie Cookie, string Raw, int Step, int Replica, string? Refused);
