#!/usr/bin/env bash
# Looks at the dashboard with a real browser:  scripts/test-browser.sh [--speed | TEST…]
#
# With --speed it measures instead: first paint and weight of each page, frames while long lists scroll, memory over an hour of events.
# It needs Chromium, its driver and the selenium package of Python, which `scripts/setup.sh browser` installs on Debian; where
# they cannot be installed, it says so and passes.
source "$(dirname "$0")/common.sh"
cd "$repository"

export AIKIT_LUA_BINARY=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
[ -x "$AIKIT_LUA_BINARY" ] || die "no program at $AIKIT_LUA_BINARY; run make build"
if has apt-get && { ! has chromedriver || ! browser_python >/dev/null; }; then
    scripts/setup.sh browser || true
fi
if ! has chromedriver || ! python=$(browser_python); then
    say "no browser tests: chromedriver or python3-selenium is missing"
    exit 0
fi
cd Tests/Browser
if [ "${1:-}" = --speed ]; then
    exec "$python" speed.py
fi
[ $# -gt 0 ] || set -- test_dashboard test_forms test_details test_journey test_actions test_trouble test_flood test_dev
exec "$python" -m unittest -v "$@"
