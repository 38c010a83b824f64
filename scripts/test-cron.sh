#!/usr/bin/env bash
# Compares the times of random cron expressions with PyPI's croniter and the zones of zoneinfo; without croniter, and where it cannot
# be installed, it is left out, and it says so:  scripts/test-cron.sh [CASES]
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
cases=${1:-10000}
python=python3
if ! python3 -c 'import croniter' 2>/dev/null; then
    python=${TMPDIR:-/tmp}/aikit-lua-croniter/bin/python3
    [ -x "$python" ] || python3 -m venv "${python%/bin/python3}" >/dev/null 2>&1 || true
    timeout 150 "$python" -m pip install -q croniter >/dev/null 2>&1 || true
fi
if ! "$python" -c 'import croniter' 2>/dev/null; then
    say "skipped: croniter cannot be installed"
    exit 0
fi
"$python" scripts/cron-property-test.py "$binary" --cases "$cases"
"$python" scripts/cron-property-test.py "$binary" --cases $((cases / 5 + 1)) --nights
