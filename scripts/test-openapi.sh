#!/usr/bin/env bash
# Tests the service against its own description with schemathesis (PyPI):  scripts/test-openapi.sh
#
# Every route of /openapi.json but the endless streams and /mcp (a protocol with sessions, see scripts/test-mcp.py) gets requests that
# fit its schema and requests that do not, without and with tokens. There may be no 5xx, no status and no body that the description
# does not have, and no hang. AIKIT_LUA_BINARY names another program than .build/release/aikit-lua; OPENAPI_SECONDS how long each of
# the two parts takes (40). Where schemathesis cannot be installed it is left out, and it says so. Requests without a token are tried
# by openapi-bounds.py, since one who sends many wrong ones gets 429.
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
seconds=${OPENAPI_SECONDS:-40}

program=$(command -v schemathesis || true)
if [ -z "$program" ]; then
    environment=${TMPDIR:-/tmp}/aikit-lua-schemathesis
    program=$environment/bin/schemathesis
    if [ ! -x "$program" ]; then
        python3 -m venv "$environment" >/dev/null 2>&1 || true
        timeout 150 "$environment/bin/python3" -m pip install -q 'schemathesis>=4,<5' >/dev/null 2>&1 || true
    fi
fi
if ! "$program" --version >/dev/null 2>&1; then
    say "skipped: schemathesis cannot be installed"
    exit 0
fi

folder=$(mktemp -d)
server=
stop() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || true
    wait "$server" || true
    server=
}
trap 'stop; rm -rf "$folder"' EXIT

mkdir "$folder/scripts"
cat >"$folder/scripts/echo.lua" <<'LUA'
local aikit = require "aikit"
local s = aikit.schema
return aikit.workflow { id = "echo", description = "Gives back what it gets",
    input_schema = s.object { text = s.string():max(20), times = s.integer():min(1):max(3) },
    schedules = { { id = "daily", cron = "@daily", input = { text = "a", times = 1 } } } }
  :step { id = "one", handler = function(input) return { text = input.text:rep(input.times) } end }
  :commit()
LUA
cat >"$folder/scripts/ask.lua" <<'LUA'
local aikit = require "aikit"
local s = aikit.schema
return aikit.workflow { id = "ask", hooks = { { id = "in", path = "in" } } }
  :human { id = "approve", output = function(input) return input end, response_schema = s.object { ok = s.boolean() } }
  :wait_for { id = "go", event = "go" }
  :step { id = "close", handler = function(answer) return answer end }
  :commit()
LUA
cat >"$folder/scripts/fail.lua" <<'LUA'
local aikit = require "aikit"
return aikit.workflow { id = "fail" }:step { id = "one", handler = function() error "broken" end }:commit()
LUA

# What the service owes whatever it is sent: no fault of its own, and nothing that its description does not name.
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance

# check STORE [TOKEN]
check() {
    local store=$1 token=${2:-} address= headers=()
    [ -z "$token" ] || headers=(--header "Authorization: Bearer $token")
    "$binary" serve "$folder/scripts" --port 0 --no-watch --store "$store" 2>"$folder/serve.log" &
    server=$!
    for _ in $(seq 300); do
        address=$(sed -nE 's#.*listening at http://([0-9.:]+).*#\1#p' "$folder/serve.log" | head -1)
        [ -z "$address" ] || break
        sleep 0.1
    done
    [ -n "$address" ] || die "the server does not listen: $(cat "$folder/serve.log")"
    python3 scripts/openapi-bounds.py "http://$address" "$folder/openapi.json" "$token"
    # It keeps what it has found where it runs.
    (cd "$folder" && "$program" run openapi.json --url "http://$address" --max-time "$seconds" --request-timeout 30 \
        --continue-on-failure --no-color --warnings off ${headers[@]+"${headers[@]}"} --checks "$checks") >"$folder/report" 2>&1 || {
        cat "$folder/report"
        tail -n 20 "$folder/serve.log"
        die "the service is not what its description says"
    }
    grep -E 'generated|passed' "$folder/report" || true
    curl --silent --fail --max-time 5 "http://$address/health/live" >/dev/null || die "the server does not answer any more"
    kill "$server"
    wait "$server" || die "the server did not end well: $(tail -n 5 "$folder/serve.log")"
    server=
    if grep -E ' error ' "$folder/serve.log"; then die "the server has logged errors"; fi
}

say "without tokens"
check memory
say "with tokens"
token=$("$binary" token create --name all --role admin --store "$folder/runs.db" 2>/dev/null | head -n 1)
check "$folder/runs.db" "$token"
