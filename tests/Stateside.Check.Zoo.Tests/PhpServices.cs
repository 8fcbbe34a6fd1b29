using static Stateside.Check.Reports.Architecture;

namespace Stateside.Check.Zoo.Tests;

/// <summary>Services in PHP, on its built-in server.</summary>
internal static class PhpServices
{
    public static IReadOnlyList<Service> All { get; } =
    [
        new("php-session-local", "php -d session.save_path={dir} -S 127.0.0.1:{port} {php}/account.php", "account-pages.http",
            new("fhhff", NeedsStickiness, "CHK-CREDENTIAL CHK-ADOPTED CHK-FIXATION CHK-COOKIE",
                "PHP keeps sessions as files of the replica's own disk: they outlive the process, the other replica shows the login page with 200; by default any id is adopted, kept at login, and open to scripts")),
        new("php-session-shared", "php -d session.save_path={shared} -S 127.0.0.1:{port} {php}/account.php", "account-pages.http",
            new("hhhhh", Hybrid, "", "the same files in a folder that all replicas see, with strict ids that change at login")) { Environment = new Dictionary<string, string> { ["ACCOUNT"] = "careful" } },
        new("php-cart", "php -d session.save_path={shared} -d session.cache_limiter=public -S 127.0.0.1:{port} {php}/cart.php", "cart-form.http",
            new("hhfh?", Hybrid, "CHK-DOUBLED CHK-CACHEABLE", "PHP locks the shared session's file, so nothing is lost, at any number of replicas; an addition sent twice is there twice")),
        new("php-guestbook", "php -S 127.0.0.1:{port} {php}/guestbook.php", "guestbook.har",
            new("hhfh?", Hybrid, "CHK-DOUBLED", "one shared file, appended under a lock, that grows with every visitor: that it is longer than in the last run is no difference, a second entry for one sending is"))
            { Environment = new Dictionary<string, string> { ["GUESTBOOK"] = "{shared}/guestbook" } },
        new("php-survey", "php -d session.save_path={dir} -d zlib.output_compression=1 -S 127.0.0.1:{port} {php}/survey.php", "survey.http",
            new("fhhf?", NeedsStickiness, "CHK-MOVE|CHK-FRESH CHK-SPREAD", "answers of the earlier pages are on the replica's own disk; the other shows question marks in their place, with 200")),
    ];
}
