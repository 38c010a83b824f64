#!/usr/bin/env bash
# Measures what sending traces costs a run, with a collector that takes them and with one that never answers, and how fast the spans
# of a recorded run are sent. Queues are bounded, so at full speed spans are dropped, which the program says; and so much more is
# to be done then that the machine needs a core for it besides that of the run:
#   scripts/bench-telemetry.sh
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
ports=("${BENCH_PORT:-14918}" "$((${BENCH_PORT:-14918} + 1))")

cat >"$folder/collectors.py" <<'PY'
import http.server, socket, sys, threading


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        # At once, so that nothing waits for the acknowledgement of its first half.
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    def log_message(self, *_):
        pass


silent = socket.create_server(("127.0.0.1", int(sys.argv[2])))
print("ready", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Collector).serve_forever()
PY
coproc collectors { exec python3 "$folder/collectors.py" "${ports[@]}"; }
read -r _ <&"${collectors[0]}"

# A thousand steps a second, for two seconds; and as many steps as the machine does.
cat >"$folder/steady.lua" <<'LUA'
local aikit = require "aikit"
return aikit.workflow { id = "steady", telemetry = true }
  :foreach {
    id = "each", concurrency = 10, items = function() local list = {} for i = 1, 2000 do list[i] = i end return list end,
    step = { id = "step", handler = function(n) aikit.sleep "10ms" return n end },
  }
  :commit()
LUA
sed -e 's/steady/full/; s/aikit.sleep "10ms" //; s/1, 2000/1, 100000/' "$folder/steady.lua" >"$folder/full.lua"
for script in steady full; do
    sed 's/, telemetry = true//' "$folder/$script.lua" >"$folder/$script-absent.lua"
    sed 's/telemetry = true/telemetry = false/' "$folder/$script.lua" >"$folder/$script-false.lua"
done

# The time that the run itself took, in milliseconds: the program stays a moment longer to send the rest.
milliseconds() {
    "$binary" run "$@" --input '{}' --store memory 2>&1 >/dev/null |
        sed -nE 's/.* succeeded in ([0-9.]+) (ms|s),.*/\1 \2/p' | awk '{ print $1 * ($2 == "s" ? 1000 : 1) }'
}

# Each round has all of them, beginning with another one, so that what else the machine does falls on all; shown are the medians,
# and the medians of what each round's are more than the same round's without telemetry.
printf '| run | the key is absent (ms) | false | true, not sent | with a collector | with one that never answers |\n'
printf '|---|---|---|---|---|---|\n'
for script in steady full; do
    for round in $(seq "${BENCH_RUNS:-7}"); do
        times=()
        for turn in 0 1 2 3 4; do
            kind=$(((turn + round) % 5))
            case $kind in
            0) times[kind]=$(milliseconds "$folder/$script-absent.lua") ;;
            1) times[kind]=$(milliseconds "$folder/$script-false.lua") ;;
            2) times[kind]=$(milliseconds "$folder/$script.lua") ;;
            3) times[kind]=$(milliseconds "$folder/$script.lua" --otlp "http://127.0.0.1:${ports[0]}") ;;
            4) times[kind]=$(milliseconds "$folder/$script.lua" --otlp "http://127.0.0.1:${ports[1]}") ;;
            esac
        done
        echo "${times[@]}"
    done | python3 -c '
import statistics, sys

rounds = [list(map(float, line.split())) for line in sys.stdin]
times = list(map(statistics.median, zip(*rounds)))
more = [statistics.median(100 * (row[kind] / row[0] - 1) for row in rounds) for kind in range(5)]
cells = [f"{times[kind]:.0f} ({more[kind]:+.1f} %)" for kind in range(1, 5)]
print(f"| {sys.argv[1]} | {times[0]:.0f} |", " | ".join(cells), "|")' "$script"
done

# A run that was recorded is sent whole, however long that takes.
spans=100002
"$binary" run "$folder/full.lua" --input '{}' --store "$folder/runs.db" --run-id full >/dev/null 2>&1
started=$(date +%s%N)
"$binary" runs trace full --store "$folder/runs.db" --otlp "http://127.0.0.1:${ports[0]}" >/dev/null
printf '\nspans of a recorded run: %s in a second\n' "$((spans * 1000 / (($(date +%s%N) - started) / 1000000)))"
