#!/usr/bin/env bash
# Builds the tests for ThreadSanitizer and runs those that start no program of their own, one part of the program after the other:
#   scripts/test-threads.sh [PART…]
#
# A PART is the beginning of a test target's name, such as WorkflowEngine. Fails where the sanitizer reports a race or a process
# ends by a signal. Tests that measure time may fail here, where all takes ten times as long; they are named and count for nothing.
source "$(dirname "$0")/common.sh"
cd "$repository"

parts=("$@")
[ $# -gt 0 ] || parts=(FlatValue WorkflowCore WorkflowEngine StoreConformance SQLiteJournal LuaRuntime LuaWorkflows VMProcess
    HostEffects WorkflowServer WorkflowTelemetry)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
clang -shared -fPIC -O1 -Wall -Wextra -Werror scripts/test-threads.c -o "$folder/mutex.so"

say "building the tests for ThreadSanitizer"
scripts/swift.sh build --build-tests --sanitize=thread

bundle=$(find .build/debug/ -maxdepth 1 -name 'aikit-lua*.xctest' | head -n 1)
[ -n "$bundle" ] || die "no tests were built"
failed=()
for part in "${parts[@]}"; do
    say "$part"
    status=0
    # The library is loaded into the tests alone: what builds them knows nothing of the sanitizer.
    TSAN_OPTIONS="halt_on_error=0 exitcode=66 history_size=4 log_path=$folder/$part ${TSAN_OPTIONS:-}" \
        LD_PRELOAD="$folder/mutex.so" timeout 1800 "$bundle" --testing-library swift-testing --filter "^${part}Tests\." \
        >"$folder/log" 2>&1 || status=$?
    grep -aE '^✘ Test "' "$folder/log" | grep -a ' recorded an issue' | cut -c1-200 || true
    tail -n 1 "$folder/log"
    if compgen -G "$folder/$part.*" >/dev/null; then
        cat "$folder/$part".* >&2
        failed+=("$part: races")
    elif [ "$status" -gt 1 ]; then
        failed+=("$part: status $status")
    fi
done
[ ${#failed[@]} -eq 0 ] || die "ThreadSanitizer: ${failed[*]}"
say "no races"
