#!/usr/bin/env bash
# Builds the program for release: .build/release/aikit-lua
#
# On Linux the Swift and C++ runtimes are linked in and the symbols are stripped: the program starts in a fraction of the
# time, and runs where no Swift is installed.
source "$(dirname "$0")/common.sh"
cd "$repository"

options=(-c release --product aikit-lua)
[ "$(uname -s)" = Darwin ] || options+=(--static-swift-stdlib -Xlinker -s)
scripts/swift.sh build "${options[@]}"
