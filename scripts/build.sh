#!/usr/bin/env bash
# Builds the program for release: .build/release/aikit-lua
#
# On Linux the Swift and C++ runtimes are linked in and the symbols are stripped: the program starts in a fraction of the
# time, and runs where no Swift is installed.
source "$(dirname "$0")/common.sh"
cd "$repository"

options=(-c release --product aikit-lua)
if [ "$(uname -s)" = Linux ]; then
    runtime=$repository/.build/static-runtime
    mkdir -p "$runtime"
    link_archive stdc++ "$runtime"
    link_archive z "$runtime"
    # The linker takes what this folder has; only an -L of swiftc comes before the system's folders.
    options+=(--static-swift-stdlib -Xswiftc -L"$runtime" -Xlinker -s)
fi
scripts/swift.sh build "${options[@]}"
