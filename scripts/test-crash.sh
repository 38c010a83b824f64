#!/usr/bin/env bash
# Kills processes at random moments of a mixed load, and checks after each that nothing is lost and nothing runs twice:
#   scripts/test-crash.sh [KILLS]
#
# `make test` does the same with 20 kills. The tests must have been built; AIKIT_LUA_BINARY names the program.
source "$(dirname "$0")/common.sh"
cd "$repository"

export AIKIT_CRASH_ROUNDS=${1:-200}
say "$AIKIT_CRASH_ROUNDS kills of real processes"
scripts/swift.sh test --skip-build --filter 'CrashLoadTests'
say "$AIKIT_CRASH_ROUNDS kills over mixed commands"
scripts/swift.sh test --skip-build --filter 'KillStormTests'
say "$AIKIT_CRASH_ROUNDS kills of a process that writes to a store"
scripts/swift.sh test --skip-build --filter 'CrashTests'
