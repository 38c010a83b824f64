#!/usr/bin/env bash
# Runs the conformance scenarios, where they lie beside the repository:  scripts/test-conformance.sh [NAME…]
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=${AIKIT_LUA_BINARY:-.build/release/aikit-lua}
corpus=${AIKIT_CONFORMANCE:-../shared/conformance}

if [ ! -f "$corpus/run.py" ]; then
    say "no conformance scenarios at $corpus: skipped"
    exit 0
fi

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for golden in "$corpus"/scenarios/*.json; do
        # Resuming in another process needs a durable store.
        if grep -q '"command": *"resume"' "$golden" && ! "$binary" resume --help >/dev/null 2>&1; then
            say "$(basename "$golden" .json) needs the resume command: skipped"
            continue
        fi
        names+=("$(basename "$golden" .json)")
    done
fi
python3 "$corpus/run.py" --bin "$binary" "$corpus/scenarios" "${names[@]}"
