#!/usr/bin/env bash
# Checks what only a database and several processes show, on throw-away databases:
#   scripts/test-cluster.sh [SECONDS] [RUNS] [FAILOVERS]
#
# The contract of stores on PostgreSQL, connections that break, servers on one database that are killed, stopped past their lease and
# cut off while they work, and a database under Patroni whose primary is killed in the middle of load. The tests must have been built;
# AIKIT_LUA_BINARY names the program. Without PostgreSQL, or Patroni, and without a way to install it that is left out, and it says so.
source "$(dirname "$0")/common.sh"
cd "$repository"

seconds=${1:-45} runs=${2:-300} failovers=${3:-3}
binary=${AIKIT_LUA_BINARY:-$repository/.build/release/aikit-lua}
folder=$(mktemp -d "${TMPDIR:-/tmp}/aikit-lua-cluster-XXXXXX")
chmod 711 "$folder"
export AIKIT_LUA_POSTGRES_DIR=$folder/postgres AIKIT_LUA_POSTGRES_PORT=$((20000 + $$ % 12000))
export AIKIT_LUA_PATRONI_DIR=$folder/patroni AIKIT_LUA_PATRONI_PORT=$((AIKIT_LUA_POSTGRES_PORT + 100))

finish() {
    scripts/postgres.sh stop || true
    scripts/patroni.sh stop || true
    rm -rf "$folder"
}
trap finish EXIT

started=0
address=$(scripts/postgres.sh start) || started=$?
if [ "$started" = 3 ]; then
    say "cluster: left out, PostgreSQL is not installed"
    exit 0
elif [ "$started" != 0 ]; then
    die "PostgreSQL cannot be started"
fi

say "the contract of stores on PostgreSQL"
AIKIT_LUA_TEST_POSTGRES=$address timeout 300 scripts/swift.sh test --skip-build --filter PostgresJournalTests |
    grep -av '^◇'
say "three servers on one database, $runs runs, one server killed, stopped or cut off every two seconds"
timeout 400 python3 scripts/test-cluster.py "$binary" "$address" --seconds "$seconds" --runs "$runs"

[ "$failovers" != 0 ] || exit 0
scripts/postgres.sh stop
started=0
address=$(timeout 200 scripts/patroni.sh start) || started=$?
if [ "$started" = 3 ]; then
    say "cluster: failovers are left out, Patroni is not installed"
    exit 0
elif [ "$started" != 0 ]; then
    die "Patroni cannot be started"
fi
say "three servers on a database of three under Patroni, whose primary is killed $failovers times"
timeout 500 python3 scripts/test-cluster.py "$binary" "$address" --seconds 45 --runs 100 --failovers "$failovers"
