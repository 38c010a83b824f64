#!/usr/bin/env bash
# A throw-away PostgreSQL cluster of three servers with synchronous replication under Patroni and etcd, on loopback, from Debian's packages.
#   scripts/patroni.sh start [FOLDER] [PORT]    makes and starts it, or starts the servers of it that are gone; prints its address
#   scripts/patroni.sh primary [FOLDER]         prints the name of the server that takes writes
#   scripts/patroni.sh whole [FOLDER]           waits until all servers are there and one is synchronous
#   scripts/patroni.sh kill-primary [FOLDER]    kills that server and its Patroni at once, as the loss of its machine does
#   scripts/patroni.sh stop [FOLDER]
# The folder is $AIKIT_LUA_PATRONI_DIR or ${TMPDIR:-/tmp}/aikit-lua-patroni unless given. The servers listen on PORT to PORT+2.
# Exit status 3: the packages are not there and cannot be installed.
set -euo pipefail

command=${1:?start, primary, whole, kill-primary or stop}
folder=${2:-${AIKIT_LUA_PATRONI_DIR:-${TMPDIR:-/tmp}/aikit-lua-patroni}}
port=${3:-$(cat "$folder/port" 2>/dev/null || echo "${AIKIT_LUA_PATRONI_PORT:-54340}")}
members=(1 2 3)

say() { echo "patroni.sh: $*" >&2; }

find_programs() {
    binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
    [ -n "$binaries" ] && ls /usr/lib/*/libpq.so.5 >/dev/null 2>&1 \
        && [ -x /usr/bin/patroni ] && [ -x /usr/bin/etcd ] && /usr/bin/python3 -c 'import etcd, psycopg2' 2>/dev/null
}

if ! find_programs; then
    [ "$command" = start ] || exit 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { say "Patroni is not installed"; exit 3; }
    { apt-get update && apt-get install -y --no-install-recommends postgresql libpq5 patroni etcd-server python3-etcd; } >&2 \
        || { say "Patroni cannot be installed"; exit 3; }
    find_programs || { say "Patroni is not usable"; exit 3; }
fi

# PostgreSQL refuses to run as root.
owner=()
[ "$(id -u)" = 0 ] && owner=(setpriv --reuid nobody --regid nogroup --clear-groups env HOME="$folder")

is_alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# Starts a program in the background, with its process id in a file and its output in a log.
launch() {
    local name=$1
    shift
    "${owner[@]}" "$@" >>"$folder/$name.log" 2>&1 </dev/null &
    echo $! >"$folder/$name.pid"
    disown
}

settings_of() {
    local member=$1
    cat <<YAML
scope: aikit
name: node$member
restapi: { listen: '127.0.0.1:$((port + 10 + member))', connect_address: '127.0.0.1:$((port + 10 + member))' }
etcd3: { host: '127.0.0.1:$((port + 20))' }
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 5
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters: { max_connections: 100, shared_buffers: 64MB, wal_keep_size: 512MB }
  initdb: [ { encoding: UTF8 }, { locale: C }, data-checksums ]
  pg_hba:
    - local all all trust
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
postgresql:
  listen: '127.0.0.1:$((port + member - 1))'
  connect_address: '127.0.0.1:$((port + member - 1))'
  data_dir: $folder/node$member/data
  bin_dir: $binaries
  pgpass: $folder/node$member/pgpass
  authentication: { superuser: { username: aikit }, replication: { username: replicator }, rewind: { username: aikit } }
  parameters: { unix_socket_directories: '$folder/node$member' }
YAML
}

# The state of the servers as Patroni's own interface tells it.
state() {
    local member
    for member in "${members[@]}"; do
        curl -sf --max-time 2 "http://127.0.0.1:$((port + 10 + member))/cluster" && return 0
    done
    return 1
}

names_with() { state | python3 -c '
import json, sys
roles = sys.argv[1].split(",")
print("\n".join(m["name"] for m in json.load(sys.stdin)["members"]
                if m["role"] in roles and m["state"] in ("running", "streaming")))' "$1"; }

# The server that takes writes, by its own word: what Patroni's store says may be older than its death.
primary() {
    local member
    for member in "${members[@]}"; do
        if curl -sf --max-time 2 -o /dev/null "http://127.0.0.1:$((port + 10 + member))/primary"; then
            echo "node$member"
            return 0
        fi
    done
    return 1
}

whole() {
    local end=$((SECONDS + 120))
    until [ "$(names_with leader,replica,sync_standby 2>/dev/null | wc -l)" = 3 ] \
        && [ -n "$(names_with sync_standby 2>/dev/null)" ] && primary >/dev/null; do
        [ $SECONDS -lt $end ] || { say "the servers are not all there: $(state)"; return 1; }
        sleep 0.2
    done
}

case $command in
start)
    mkdir -p "$folder"
    echo "$port" >"$folder/port"
    [ "$(id -u)" = 0 ] && chown nobody:nogroup "$folder"
    if ! is_alive "$folder/etcd.pid"; then
        launch etcd /usr/bin/etcd --data-dir "$folder/etcd" --name only \
            --listen-client-urls "http://127.0.0.1:$((port + 20))" --advertise-client-urls "http://127.0.0.1:$((port + 20))" \
            --listen-peer-urls "http://127.0.0.1:$((port + 21))" \
            --initial-advertise-peer-urls "http://127.0.0.1:$((port + 21))" \
            --initial-cluster "only=http://127.0.0.1:$((port + 21))"
    fi
    for member in "${members[@]}"; do
        is_alive "$folder/node$member.pid" && continue
        mkdir -p "$folder/node$member"
        settings_of "$member" >"$folder/node$member.yml"
        [ "$(id -u)" = 0 ] && chown -R nobody:nogroup "$folder/node$member"
        launch "node$member" /usr/bin/patroni "$folder/node$member.yml"
    done
    whole
    echo "postgresql://aikit@127.0.0.1:$port,127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2))/postgres"
    ;;
primary) primary ;;
whole) whole ;;
kill-primary)
    name=$(primary) || { say "there is no primary"; exit 1; }
    postmaster=$(head -1 "$folder/$name/data/postmaster.pid")
    kill -KILL "$(cat "$folder/$name.pid")" "$postmaster"
    rm -f "$folder/$name.pid"
    echo "$name"
    ;;
stop)
    for name in node1 node2 node3; do
        is_alive "$folder/$name.pid" && kill -KILL "$(cat "$folder/$name.pid")"
        [ -s "$folder/$name/data/postmaster.pid" ] && kill -QUIT "$(head -1 "$folder/$name/data/postmaster.pid")" 2>/dev/null
    done
    is_alive "$folder/etcd.pid" && kill -KILL "$(cat "$folder/etcd.pid")"
    sleep 0.5
    rm -rf "$folder"
    ;;
*)
    say "start, primary, whole, kill-primary or stop, not '$command'"
    exit 2
    ;;
esac
