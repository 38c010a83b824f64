#!/usr/bin/env bash
# Runs every test and says at the end which part failed:  scripts/test.sh
#
# The tests of the command line, of the guides and of conformance run the release build, or the program that AIKIT_LUA_BINARY
# names.
source "$(dirname "$0")/common.sh"
cd "$repository"

export AIKIT_LUA_BINARY=${AIKIT_LUA_BINARY:-$repository/.build/release/aikit-lua}
failed=()

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# part NAME COMMAND…: what a part that failed printed last is shown once more at the end. Nobody waits for `tee`, which a process
# that a test leaves behind would keep. Each has its time: what waits for ever would hold up all that follows.
part() {
    local name=$1
    shift
    say "$name"
    "$@" > >(exec tee "$folder/last") 2>&1 && return
    failed+=("$name"$'\n'"$(tail -n 15 "$folder/last" | sed 's/^/    /')")
}

say "building the tests"
scripts/swift.sh build --build-tests

# example NAME: builds a program of examples/ with what is built already.
example() {
    # The plan of the package before may be taken for that of the example.
    rm -f .build/*/debug/description.json
    scripts/swift.sh build --package-path "examples/$1" --scratch-path .build --product "$1"
}

# Runs the tests of examples/embedding-tests.
example_tests() {
    rm -f .build/*/debug/description.json
    scripts/swift.sh test --package-path examples/embedding-tests --scratch-path .build
}

part "building the embedding example" example embedding
part "building the example of a server of one's own" example embedding-server
part "the example of tests of one's own" example_tests
part "Swift tests" timeout 3000 scripts/test-swift.sh
part "runs over a store that cannot be written" \
    timeout 300 env AIKIT_STALL_SECONDS=1 scripts/swift.sh test --skip-build --filter StallTests
part "stores that are damaged" timeout 300 python3 scripts/torture-stores.py --stores 100
part "clocks that are set" timeout 300 scripts/test-clock.sh
part "Lua library tests" timeout 120 "$(lua_interpreter)" Tests/Lua/run.lua
part "C bridge under AddressSanitizer" timeout 600 scripts/test-asan.sh
part "fuzzing of the C bridge" timeout 300 scripts/test-fuzz.sh
part "guides" timeout 900 scripts/test-docs.sh
part "gallery of errors" timeout 300 scripts/error-gallery.sh
part "conformance" timeout 300 scripts/test-conformance.sh
part "the service, ended again and again under load" \
    timeout 150 python3 scripts/stress-serve.py "$AIKIT_LUA_BINARY" --clients 100 --seconds 15
part "times of schedules beside croniter" timeout 400 scripts/test-cron.sh 2000
part "what begins runs, with servers that are killed" \
    timeout 150 python3 scripts/stress-triggers.py "$AIKIT_LUA_BINARY" --seconds 15
part "runs that restart without end" \
    timeout 150 python3 scripts/stress-restart.py "$AIKIT_LUA_BINARY" --generations 2000 --store sqlite
part "telemetry with the programs of others" timeout 700 scripts/test-telemetry.sh
part "Model Context Protocol with a client of others" timeout 300 python3 scripts/test-mcp.py "$AIKIT_LUA_BINARY"
part "the service and its description" timeout 400 scripts/test-openapi.sh
part "dashboard in a browser" timeout 900 scripts/test-browser.sh
part "the service, treated badly" \
    timeout 150 python3 scripts/abuse-serve.py "$AIKIT_LUA_BINARY" --connections 1000 --reconnects 1000

if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}" >&2
    exit 1
fi
say "all tests passed"
