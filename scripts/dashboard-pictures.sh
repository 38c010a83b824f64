#!/usr/bin/env bash
# Takes the pictures of the guide to the dashboard anew:  scripts/dashboard-pictures.sh
source "$(dirname "$0")/common.sh"
cd "$repository"

export AIKIT_LUA_BINARY=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
[ -x "$AIKIT_LUA_BINARY" ] || die "no program at $AIKIT_LUA_BINARY; run make build"
python=$(browser_python) || die "no Python here has selenium; run scripts/setup.sh test"
"$python" Tests/Browser/pictures.py "$repository/docs/images"
