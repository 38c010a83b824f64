#!/usr/bin/env bash
# Sets the clock of a process back and forth by an hour while its runs sleep, and checks that each wait ends on time:
#   scripts/test-clock.sh [SEED]
#
# Needs Debian's faketime, which it installs where it may; elsewhere nothing is tested. AIKIT_LUA_BINARY names the program.
source "$(dirname "$0")/common.sh"
program=${AIKIT_LUA_BINARY:-$repository/.build/debug/aikit-lua}
seed=${1:-1}
find_library() { library=$(compgen -G "/usr/lib/*/faketime/libfaketimeMT.so.1" || true); }
find_library
if [ -z "$library" ] && "$repository/scripts/setup.sh" clock; then find_library; fi
if [ -z "$library" ]; then
    say "no faketime: install Debian's package to test clocks that are set"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > naps.lua <<'LUA'
local aikit = require "aikit"
return aikit.workflow { id = "naps" }
  :step { id = "nap", timeout = "30s", handler = function() aikit.sleep(1) end }
  :delay { id = "pause", duration = "1s" }
  :parallel { id = "beside", branches = {
    one = aikit.delay { id = "one", duration = "1s" },
    two = aikit.delay { id = "two", duration = "2s" },
    three = aikit.delay { id = "three", duration = "3s" },
    tries = { id = "tries", retry = { max_attempts = 3, initial = "500ms", backoff = "constant", jitter = 0 },
      handler = function(_, context) if context.attempt < 3 then error("again") end end },
    long = { id = "long", timeout = "20s", handler = function() pcall(aikit.sleep, 0.5) end } } }
  :commit()
LUA

RANDOM=$seed
failures=0
for store in memory naps.db; do
    for jump in +3600 -3600; do
        echo "+0" > time
        start=$EPOCHREALTIME
        LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$folder/time FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
            timeout 60 "$program" run naps.lua --store "$store" --run-id "naps$jump" > out 2> errors &
        process=$!
        # Waits of 0.3 to 0.9 s, so that the clock is set at any moment of the waits.
        while kill -0 $process 2>/dev/null; do
            sleep "0.$((RANDOM % 7 + 3))"
            if [ "$(cat time)" = "+0" ]; then echo "$jump" > time; else echo "+0" > time; fi
        done
        wait $process && status=0 || status=$?
        milliseconds=$(( (${EPOCHREALTIME/./} - ${start/./}) / 1000 ))
        if [ $status = 0 ] && [ $milliseconds -ge 5000 ] && [ $milliseconds -le 15000 ]; then
            say "clock set by $jump s, store $store: ended after $milliseconds ms"
        else
            say "clock set by $jump s, store $store: status $status after $milliseconds ms, in place of 5000"
            cat errors
            failures=$((failures + 1))
        fi
    done
done
exit $((failures > 0))
