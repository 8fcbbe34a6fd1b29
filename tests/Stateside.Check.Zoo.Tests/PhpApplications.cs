using static Stateside.Check.Reports.Architecture;

namespace Stateside.Check.Zoo.Tests;

/// <summary>Applications that nobody here wrote, in PHP and Python, as Debian packages them. Their truths are from their documentation and sources.</summary>
internal static class PhpApplications
{
    public static IReadOnlyList<Service> All { get; } =
    [
        new("dokuwiki-20220731-shared", "sh {apps}/dokuwiki.sh {shared}/wiki {shared}/sessions 127.0.0.1:{port}", "apps/dokuwiki.har",
            new("hhhhh", Hybrid, "CHK-ADOPTED", "one data folder and one folder of PHP's sessions; the same text saved twice is one revision"))
            { Ready = "/doku.php" },
        new("dokuwiki-20220731-sessions-private", "sh {apps}/dokuwiki.sh {shared}/wiki {dir}/sessions 127.0.0.1:{port}", "apps/dokuwiki.har",
            new("fhhfh", NeedsStickiness, "CHK-MOVE", "the login's cookie opens with the salt in the shared data folder, so who is logged in stays so; the trail of visited pages is in the session and stays behind"))
            { Ready = "/doku.php" },
        new("dokuwiki-20220731-private", "sh {apps}/dokuwiki.sh {dir}/wiki {dir}/sessions 127.0.0.1:{port}", "apps/dokuwiki.har",
            new("fhhff", NeedsStickiness, "CHK-CREDENTIAL CHK-MOVE", "pages, salt and sessions are each replica's own, and outlive its process"))
            { Ready = "/doku.php" },
        new("radicale-3.1.8-shared", "sh {apps}/radicale.sh {shared} 127.0.0.1 {port}", "apps/radicale.http",
            new("hhhhh", Hybrid, "", "files that all replicas share; user and password come with every request; a PUT says what is to be, and what was deleted stays so"))
            { Ready = "/.web" },
        new("radicale-3.1.8-private", "sh {apps}/radicale.sh {dir} 127.0.0.1 {port}", "apps/radicale.http",
            new("fhhfh", NeedsStickiness, "CHK-MOVE", "calendars are files of the replica's own disk; the password file says the same everywhere"))
            { Ready = "/.web" },
    ];

    /// <summary>The Debian packages that they need and how each is known to be there.</summary>
    public static IReadOnlyList<(string Package, Func<bool> IsThere)> Packages { get; } =
    [
        ("dokuwiki", () => File.Exists("/usr/share/dokuwiki/doku.php")),
        ("php-xml", () => Directory.Exists("/usr/lib/php") && Directory.GetFiles("/usr/lib/php", "dom.so", SearchOption.AllDirectories).Length > 0),
        ("radicale", () => Directory.Exists("/usr/lib/python3/dist-packages/radicale")),
    ];
}
