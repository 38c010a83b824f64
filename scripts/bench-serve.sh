#!/usr/bin/env bash
# Measures the service with wrk:  scripts/bench-serve.sh
#
# AIKIT_LUA_BINARY names another program than .build/release/aikit-lua; BENCH_SECONDS how long each part takes (10), BENCH_RUNS how
# many runs the list has (100000), BENCH_STREAMS how many clients follow a run each (1000).
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
[ -x "$binary" ] || die "no program at $binary; run make build"
has wrk || die "wrk is missing (Debian's wrk)"
seconds=${BENCH_SECONDS:-10}
runs=${BENCH_RUNS:-100000}
streams=${BENCH_STREAMS:-1000}
port=${BENCH_PORT:-18790}
url=http://127.0.0.1:$port
folder=$(mktemp -d)
server=
peer=

stop() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap 'stop; [ -z "$peer" ] || kill "$peer"; rm -rf "$folder"' EXIT

mkdir "$folder/scripts"
cat >"$folder/scripts/three.lua" <<'LUA'
local aikit = require "aikit"
local s = aikit.schema
local count = s.object { n = s.integer() }
local function step(id)
  return { id = id, input_schema = count, output_schema = count, handler = function(input) return { n = input.n + 1 } end }
end
return aikit.workflow { id = "three", input_schema = count }:step(step "a"):step(step "b"):step(step "c"):commit()
LUA
cat >"$folder/scripts/ticks.lua" <<'LUA'
local aikit = require "aikit"
return aikit.workflow { id = "ticks" }
  :step { id = "tick", timeout = 0, handler = function(input, context)
    aikit.sleep(input.wait .. "s")
    for number = 1, input.count do
      aikit.sleep("100ms")
      context:emit { type = "tick", data = number }
    end
  end }
  :commit()
LUA
cat >"$folder/post.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"inputData":{"n":1}}'
done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.read + summary.errors.timeout
  io.write(("%d requests/s, p50 %.1f ms, p99 %.1f ms, %d failed\n"):format(
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
LUA

# serve OPTIONS…
serve() {
    stop
    "$binary" serve "$folder/scripts" --port "$port" --no-watch "$@" 2>"$folder/serve.log" &
    server=$!
    curl -sf --retry 100 --retry-connrefused --retry-delay 0 --retry-max-time 20 "$url/health/ready" >/dev/null ||
        { cat "$folder/serve.log" >&2; die "the server did not start"; }
}

# load PATH [ADDRESS]: what wrk finds for a request.
load() { wrk -t1 -c64 -d"${seconds}s" -s "$folder/post.lua" "${2:-$url}$1" | tail -n 1; }

memory() { awk '/VmRSS/ { print $2 " kB" }' "/proc/$server/status"; }
descriptors() { find "/proc/$server/fd" -mindepth 1 | wc -l; }

say "three steps with schemas, answered when the run is over"
if has node; then
    node scripts/bench-peer.js $((port + 1)) &
    peer=$!
    curl -s --retry 50 --retry-connrefused --retry-delay 0 -o /dev/null "http://127.0.0.1:$((port + 1))" || true
fi
# On a machine that others use too, only what is measured close together compares.
for _ in 1 2 3; do
    [ -z "$peer" ] || echo "Node's server   $(load / "http://127.0.0.1:$((port + 1))")"
    serve --store memory
    echo "memory store    $(load /api/workflows/three/run)"
    rm -f "$folder"/durable.db*
    serve --store "$folder/durable.db"
    echo "durable         $(load /api/workflows/three/run)"
done

say "start without waiting (to reach: 15,000 requests/s)"
serve --store "$folder/start.db"
echo "durable         $(load /api/workflows/three/runs)"

say "$streams streams of $streams runs, 10 events a second each"
serve --store "$folder/streams.db"
before=$(memory)
python3 scripts/bench-streams.py "$port" "$streams" "$seconds"
echo "memory          $before before, $(memory) after"

say "the list of $runs runs, first page (to reach: 20 ms)"
serve --store "$folder/list.db"
while [ "$(curl -sf "$url/metrics" | awk '/^aikit_stored_runs\{/ { sum += $2 } END { print sum + 0 }')" -lt "$runs" ]; do
    wrk -t1 -c64 -d2s -s "$folder/post.lua" "$url/api/workflows/three/runs" >/dev/null
done
# A moment for the last of them to end.
sleep 2
for query in "" "?status=success" "?status=failed" "?workflow=three" "?workflow=other" "?status=running,waiting" \
    "?from=2020-01-01" "?to=2020-01-01" "?q=0" "?q=nothing" "?workflow=three&q=nothing" "?status=success&to=2020-01-01" \
    "?tag=a:b"; do
    for _ in 1 2 3; do curl -s -o /dev/null -w '%{time_total}\n' "$url/api/runs$query"; done | sort -n | sed -n 2p |
        awk -v query="/api/runs$query" '{ printf "%-38s %.1f ms\n", query, $1 * 1000 }'
done

say "mixed load: memory and descriptors"
serve --store "$folder/mixed.db"
load /api/workflows/three/run >/dev/null
echo "at first        $(memory), $(descriptors) descriptors"
for _ in 1 2 3; do
    wrk -t1 -c32 -d"${seconds}s" -s "$folder/post.lua" "$url/api/workflows/three/runs" >/dev/null &
    wrk -t1 -c32 -d"${seconds}s" "$url/api/runs?limit=20" >/dev/null
    wait $!
    echo "later           $(memory), $(descriptors) descriptors"
done
