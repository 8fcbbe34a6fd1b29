<?php
// A cart in PHP's session, in a folder that all replicas share. PHP locks a session's file while a request has it open, so no addition is lost.
// session.cache_limiter=public is a setting that many copy to make the back button work: it lets caches keep the answer that sets the cookie.
// php -d session.save_path=FOLDER -d session.cache_limiter=public -S 127.0.0.1:PORT cart.php
session_start();
header('Content-Type: application/json');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$_SESSION['lines'] ??= [];
if ($path === '/cart' && $_SERVER['REQUEST_METHOD'] === 'POST') {
    usleep(20_000); // It asks for the price.
    $_SESSION['lines'][] = ['sku' => $_POST['sku'], 'quantity' => (int) $_POST['quantity']];
}
echo json_encode(['lines' => $_SESSION['lines']]);
