#!/usr/bin/env bash
# Measures the program: its own benchmark, then the time to start with hyperfine:  scripts/bench.sh [BENCH OPTIONS…]
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=${AIKIT_LUA_BINARY:-.build/release/aikit-lua}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

say "steps a second, beside a plain Lua loop measured in the same run"
"$binary" bench "$@"

cat >"$folder/one-step.lua" <<'LUA'
local aikit = require "aikit"
return aikit.workflow { id = "one" }
  :step { id = "hello", handler = function(name) return { text = "Hello, " .. name } end }
  :commit()
LUA

say "cold start (target: 10 ms for a one-step script)"
hyperfine --shell=none --warmup 10 --runs 100 --style basic --export-markdown "$folder/start.md" \
    --command-name "aikit-lua --version" "$binary --version" \
    --command-name "aikit-lua run, kept in memory" "$binary run $folder/one-step.lua --input '\"you\"' --store memory" \
    --command-name "aikit-lua run, kept in a file" \
    "$binary run $folder/one-step.lua --input '\"you\"' --store $folder/runs.db" \
    >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
cat "$folder/start.md"

say "what sending traces costs (target: at most 10 % at 1,000 steps a second, 25 % at full speed, nothing while it is off)"
scripts/bench-telemetry.sh

say "the dashboard in a browser"
scripts/test-browser.sh --speed
