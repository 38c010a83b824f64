#!/usr/bin/env bash
# Checks telemetry with the programs of others: what is sent by OTLP with the official protobuf classes (PyPI's
# opentelemetry-proto), and /metrics of the server with promtool and a Prometheus that scrapes it. What is not there and cannot be
# installed is left out, and it says so:  scripts/test-telemetry.sh
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$folder"' EXIT

python=python3
if ! python3 -c 'import opentelemetry.proto' 2>/dev/null; then
    python=${TMPDIR:-/tmp}/aikit-lua-otlp/bin/python3
    [ -x "$python" ] || python3 -m venv "${python%/bin/python3}" >/dev/null 2>&1 || true
    timeout 150 "$python" -m pip install -q opentelemetry-proto >/dev/null 2>&1 || true
fi
if "$python" -c 'import opentelemetry.proto' 2>/dev/null; then
    "$python" scripts/otlp-strict-test.py --binary "$binary"
else
    say "skipped: opentelemetry-proto cannot be installed"
fi
python3 scripts/abuse-collectors.py --binary "$binary" --minute

if ! has promtool && [ "$(id -u)" = 0 ] && has apt-get; then
    { apt-get update && apt-get install -y --no-install-recommends prometheus; } >/dev/null 2>&1 || true
fi
if ! has promtool || ! has prometheus; then
    say "skipped: Prometheus cannot be installed"
    exit 0
fi

cat >"$folder/w.lua" <<'LUA'
local aikit = require "aikit"
return aikit.workflow { id = "counted" }:step { id = "one", handler = function(n) return n end }:commit()
LUA
"$binary" serve "$folder" --port 0 --store memory 2>"$folder/serve.log" &
for _ in $(seq 300); do
    address=$(sed -nE 's#.*listening at http://([0-9.:]+).*#\1#p' "$folder/serve.log" | head -1)
    [ -z "$address" ] || break
    sleep 0.1
done
[ -n "${address:-}" ] || die "the server does not listen: $(cat "$folder/serve.log")"
for n in 1 2 3; do
    curl --silent --fail --max-time 20 --header 'content-type: application/json' --data "{\"inputData\":$n}" \
        "http://$address/api/workflows/counted/run" >/dev/null
done
curl --silent --fail --max-time 20 "http://$address/metrics" >"$folder/metrics"
promtool check metrics <"$folder/metrics"
say "promtool has nothing against /metrics, $(wc -l <"$folder/metrics") lines"

cat >"$folder/prometheus.yml" <<YAML
global: { scrape_interval: 1s }
scrape_configs: [ { job_name: aikit-lua, static_configs: [ { targets: [ "$address" ] } ] } ]
YAML
port=$((20000 + $$ % 20000))
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" \
    --web.listen-address="127.0.0.1:$port" >"$folder/prometheus.log" 2>&1 &
for _ in $(seq 60); do
    found=$(curl --silent --max-time 5 "http://127.0.0.1:$port/api/v1/query" --data-urlencode \
        'query=sum(aikit_runs_total{workflow="counted"})' || true)
    case $found in *'"3"'*) break ;; esac
    sleep 1
done
case ${found:-} in *'"3"'*) say "a Prometheus that scrapes it has counted the runs" ;;
*) die "Prometheus has not the runs: ${found:-}; $(tail -3 "$folder/prometheus.log")" ;; esac
