#!/bin/sh
# radicale.sh FOLDER HOST PORT: Debian's Radicale with two users and its collections in FOLDER.
mkdir -p "$1/collections"
printf 'ann:pepper-and-salt\nbob:other-salt\n' > "$1/users"
exec /usr/bin/python3 -m radicale --config "" --server-hosts "$2:$3" --auth-type htpasswd --auth-htpasswd-filename "$1/users" \
    --auth-htpasswd-encryption plain --auth-delay 0 --storage-filesystem-folder "$1/collections" --web-type none
