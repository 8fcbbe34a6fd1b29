<?php
// A survey of three pages in PHP's session on the replica's own disk, compressed on the way. Nobody logs in.
// php -d session.save_path=FOLDER -d zlib.output_compression=1 -S 127.0.0.1:PORT survey.php
session_start();
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    foreach (['age', 'colour'] as $question) if (isset($_POST[$question])) $_SESSION[$question] = $_POST[$question];
    header('Location: ' . ($path === '/1' ? '/2' : '/done'), true, 303);
    return;
}
$question = ['/' => 'age', '/1' => 'age', '/2' => 'colour'][$path] ?? null;
echo "<!doctype html>\n<html><head><title>Survey</title></head>\n<body>\n<h1>Survey</h1>\n";
echo $question === null
    ? '<p>Thank you. You said: age ' . htmlspecialchars($_SESSION['age'] ?? '?') . ', colour ' . htmlspecialchars($_SESSION['colour'] ?? '?') . ".</p>\n"
    : "<form method=\"post\" action=\"" . ($path === '/2' ? '/2' : '/1') . "\"><label>Your $question? <input name=\"$question\"></label><button>Next</button></form>\n";
echo str_repeat("<p>All answers are kept in confidence.</p>\n", 50), "</body></html>\n";
