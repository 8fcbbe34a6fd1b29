<?php
// A login and a city in PHP's own session, with pages and forms. Who is not logged in gets the login page, with 200, as many sites do.
// php -d session.save_path=FOLDER -S 127.0.0.1:PORT account.php
// ACCOUNT=careful in the environment: strict ids, a new id at login, and a cookie that scripts cannot read. Else PHP's defaults.
$careful = getenv('ACCOUNT') === 'careful';
if ($careful) {
    ini_set('session.use_strict_mode', '1');
    ini_set('session.cookie_httponly', '1');
    ini_set('session.cookie_samesite', 'Lax');
}
session_start();
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$isPost = $_SERVER['REQUEST_METHOD'] === 'POST';

function page(string $title, string $body): void
{
    echo "<!doctype html>\n<html><head><title>$title</title></head>\n<body>\n<h1>$title</h1>\n$body\n</body></html>\n";
}

function go(string $where): void
{
    header("Location: $where", true, 302);
}

if ($path === '/logout' && $isPost) {
    $_SESSION = [];
    session_destroy();
    go('/');
    return;
}
if ($path === '/login' && $isPost) {
    if ($_POST['password'] !== 'pepper') {
        page('Log in', '<p>Wrong user or password.</p>');
        return;
    }
    if ($careful) session_regenerate_id(true);
    $_SESSION['user'] = $_POST['user'];
    go('/account');
    return;
}
if (!isset($_SESSION['user'])) {
    page('Log in', '<form method="post" action="/login"><input name="user"><input name="password" type="password"><button>Log in</button></form>');
    return;
}
if ($path === '/account/city' && $isPost) {
    $_SESSION['city'] = $_POST['city'];
    go('/account');
    return;
}
$city = htmlspecialchars($_SESSION['city'] ?? 'not said');
page('Account', '<p>Welcome, <b>' . htmlspecialchars($_SESSION['user']) . "</b>. You live in <b>$city</b>.</p>\n"
    . '<form method="post" action="/account/city"><input name="city" value="' . $city . '"><button>Save</button></form>'
    . '<form method="post" action="/logout"><button>Log out</button></form>');
