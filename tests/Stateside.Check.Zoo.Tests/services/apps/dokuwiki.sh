#!/bin/sh
# dokuwiki.sh DATA SESSIONS HOST:PORT: Debian's DokuWiki, its configuration and data in DATA, made once.
set -e
if [ ! -d "$1/conf" ]; then
    mkdir -p "$1" && made=$(mktemp -d "$1/XXXXXX")
    cp -rL /etc/dokuwiki "$made/conf"
    cp -rL /var/lib/dokuwiki/data "$made/data"
    cat > "$made/conf/local.php" <<'P'
<?php
$conf['title'] = 'Garden Wiki';
$conf['useacl'] = 1;
$conf['savedir'] = getenv('WIKI_DATA');
$conf['autopasswd'] = 0;
$conf['updatecheck'] = 0;
P
    cat > "$made/conf/define.php" <<'P'
<?php
if (!defined('DOKU_CONF')) define('DOKU_CONF', getenv('WIKI_CONF'));
P
    printf '# <?php exit()?>\n*\t@ALL\t1\n*\t@user\t16\n' > "$made/conf/acl.auth.php"
    printf '# <?php exit()?>\nann:%s:Ann Brown:ann@example.org:user\n' "$(php -r 'echo password_hash("pepper-and-salt", PASSWORD_BCRYPT, ["cost" => 4]);')" > "$made/conf/users.auth.php"
    # Whoever comes second finds it there.
    mv -T "$made/data" "$1/data" 2>/dev/null && mv -T "$made/conf" "$1/conf"
    while [ ! -d "$1/conf" ]; do sleep 0.1; done
fi
mkdir -p "$2"
export WIKI_CONF="$1/conf/" WIKI_DATA="$1/data"
exec php -d session.save_path="$2" -d auto_prepend_file="$1/conf/define.php" -d display_errors=0 -S "$3" -t /usr/share/dokuwiki
