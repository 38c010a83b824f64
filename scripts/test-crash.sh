#!/usr/bin/env bash
# Kills processes at random moments of a mixed load, and checks after each that nothing is lost and nothing runs twice; damages
# stores, and keeps a store from being written for ten seconds under 200 runs:
#   scripts/test-crash.sh [KILLS] [STORES] [SEED]
#
# `make test` does the same with 20 kills, a few hundred stores and less than a second. The tests must have been built;
# AIKIT_LUA_BINARY names the program.
source "$(dirname "$0")/common.sh"
cd "$repository"

export AIKIT_CRASH_ROUNDS=${1:-200}
say "$AIKIT_CRASH_ROUNDS kills of real processes"
scripts/swift.sh test --skip-build --filter 'CrashLoadTests'
say "$AIKIT_CRASH_ROUNDS kills over mixed commands"
export AIKIT_CRASH_SEED=${3:-$RANDOM}
say "seed $AIKIT_CRASH_SEED"
scripts/swift.sh test --skip-build --filter 'KillStormTests'
say "$AIKIT_CRASH_ROUNDS kills of a process that writes to a store"
scripts/swift.sh test --skip-build --filter 'CrashTests'

export AIKIT_MUTATIONS=${2:-5000} AIKIT_STALL_SECONDS=10
say "$AIKIT_MUTATIONS stores with values that no column has, and as many with bytes that changed"
scripts/swift.sh test --skip-build --filter 'MutationTests'
say "$AIKIT_MUTATIONS stores that commands of the program use"
scripts/torture-stores.py --stores "$AIKIT_MUTATIONS" --seed "$AIKIT_CRASH_SEED"
say "clocks that are set"
scripts/test-clock.sh "$AIKIT_CRASH_SEED"
say "200 runs over a full and a locked store"
scripts/swift.sh test --skip-build --filter 'StallTests'
