<?php
// A guestbook in one file that all replicas share, written under a lock. Everybody sees all entries, so the page grows with every visit.
// GUESTBOOK=FILE php -S 127.0.0.1:PORT guestbook.php
$file = getenv('GUESTBOOK');
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    file_put_contents($file, json_encode([$_POST['name'], $_POST['text']]) . "\n", FILE_APPEND | LOCK_EX);
    header('Location: /book', true, 303);
    return;
}
$entries = is_file($file) ? array_map('json_decode', file($file, FILE_IGNORE_NEW_LINES)) : [];
echo "<!doctype html>\n<html><head><title>Guestbook</title></head>\n<body>\n<h1>Guestbook</h1>\n<p>", count($entries), " entries</p>\n<ol>\n";
foreach ($entries as [$name, $text]) echo '<li><b>', htmlspecialchars($name), '</b>: ', htmlspecialchars($text), "</li>\n";
echo "</ol>\n<form method=\"post\" action=\"/book\"><input name=\"name\"><textarea name=\"text\"></textarea><button>Sign</button></form>\n</body></html>\n";
