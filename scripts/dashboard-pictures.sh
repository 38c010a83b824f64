#!/usr/bin/env bash
# Takes the pictures of the guide to the dashboard anew:  scripts/dashboard-pictures.sh
# With --all FOLDER [PAGE…] every page, in light and dark and at every width that the tests look at, for a look by eye.
source "$(dirname "$0")/common.sh"
cd "$repository"

export AIKIT_LUA_BINARY=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
[ -x "$AIKIT_LUA_BINARY" ] || die "no program at $AIKIT_LUA_BINARY; run make build"
python=$(browser_python) || die "no Python here has selenium; run scripts/setup.sh test"
[ $# -gt 0 ] || set -- "$repository/docs/images"
"$python" Tests/Browser/pictures.py "$@"
