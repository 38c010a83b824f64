#!/usr/bin/env bash
# A throw-away PostgreSQL cluster for tests and measurements, from Debian's packages: on loopback and a socket in its own folder.
#   scripts/postgres.sh start [FOLDER] [PORT]    makes and starts it; prints its address
#   scripts/postgres.sh stop|restart|kill [FOLDER]
# The folder is $AIKIT_LUA_POSTGRES_DIR or ${TMPDIR:-/tmp}/aikit-lua-postgres unless given.
set -euo pipefail

command=${1:?start, stop, restart or kill}
folder=${2:-${AIKIT_LUA_POSTGRES_DIR:-${TMPDIR:-/tmp}/aikit-lua-postgres}}
port=${3:-${AIKIT_LUA_POSTGRES_PORT:-54329}}

binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
if [ -z "$binaries" ] && command -v pg_ctl >/dev/null; then binaries=$(dirname "$(command -v pg_ctl)"); fi
if [ -z "$binaries" ] || ! ls /usr/lib/*/libpq.so.5 >/dev/null 2>&1; then
    [ "$command" = start ] || exit 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "postgres.sh: PostgreSQL is not installed" >&2; exit 3; }
    { apt-get update && apt-get install -y --no-install-recommends postgresql libpq5; } >&2 \
        || { echo "postgres.sh: PostgreSQL cannot be installed" >&2; exit 3; }
    binaries=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
fi

# The server refuses to run as root.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/nonexistent "$@"
    else
        "$@"
    fi
}

start() {
    as_owner "$binaries/pg_ctl" --pgdata "$folder/data" --log "$folder/log" --silent --wait --timeout 60 start
}

case $command in
start)
    if [ ! -e "$folder/data/PG_VERSION" ]; then
        mkdir -p "$folder"
        [ "$(id -u)" = 0 ] && chown nobody:nogroup "$folder"
        (cd "$folder" && as_owner "$binaries/initdb" --pgdata "$folder/data" --username aikit --auth trust --encoding UTF8 \
            --locale C --no-instructions) >/dev/null
        cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$folder'
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
CONF
    fi
    (cd "$folder" && as_owner "$binaries/pg_ctl" --pgdata "$folder/data" status >/dev/null 2>&1) || (cd "$folder" && start)
    echo "postgresql://aikit@127.0.0.1:$(sed -n 4p "$folder/data/postmaster.pid")/postgres"
    ;;
stop)
    [ -e "$folder/data" ] || exit 0
    (cd "$folder" && as_owner "$binaries/pg_ctl" --pgdata "$folder/data" --mode immediate --silent stop) || true
    rm -rf "$folder"
    ;;
restart)
    (cd "$folder" && as_owner "$binaries/pg_ctl" --pgdata "$folder/data" --log "$folder/log" --mode fast --silent --wait restart)
    ;;
kill)
    # As a crash of the machine: nothing is written any more. `start` brings it back.
    kill -QUIT "$(head -1 "$folder/data/postmaster.pid")"
    while [ -e "$folder/data/postmaster.pid" ]; do sleep 0.05; done
    ;;
*)
    echo "postgres.sh: start, stop, restart or kill, not '$command'" >&2
    exit 2
    ;;
esac
