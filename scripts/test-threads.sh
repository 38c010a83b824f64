#!/usr/bin/env bash
# Builds the tests for ThreadSanitizer and runs those that start no program of their own:  scripts/test-threads.sh [FILTER]
#
# FILTER is a regular expression of test names. Fails where the sanitizer reports a race, or a test fails.
source "$(dirname "$0")/common.sh"
cd "$repository"

filter=${1:-'^(FlatValue|HostEffects|LuaRuntime|LuaWorkflows|MemoryJournal|SQLiteJournal|VMProcess|WorkflowCore|WorkflowEngine|WorkflowServer|WorkflowTelemetry)Tests\.'}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
clang -shared -fPIC -O1 -Wall -Wextra -Werror scripts/test-threads.c -o "$folder/mutex.so"

say "building the tests for ThreadSanitizer"
scripts/swift.sh build --build-tests --sanitize=thread

# Loaded into the tests alone: what builds them, and what they start, knows nothing of the sanitizer.
bundle=$(find .build/debug/ -maxdepth 1 -name '*PackageTests.xctest' | head -n 1)
[ -n "$bundle" ] || die "no tests were built"
say "tests"
status=0
TSAN_OPTIONS="halt_on_error=0 exitcode=66 history_size=4 log_path=$folder/report ${TSAN_OPTIONS:-}" \
    env LD_PRELOAD="$folder/mutex.so" "$bundle" --testing-library swift-testing --filter "$filter" || status=$?
if compgen -G "$folder/report.*" >/dev/null; then
    cat "$folder"/report.* >&2
    die "ThreadSanitizer reports races"
fi
exit "$status"
