#!/usr/bin/env bash
# Builds the program for release: .build/release/aikit-lua
#
# On Linux the Swift and C++ runtimes are linked in and the symbols are stripped: the program starts in a fraction of the
# time, and runs where no Swift is installed. Its 170,000 relative relocations are packed, which saves a fifth of the start; glibc
# knows them since 2.36.
source "$(dirname "$0")/common.sh"
cd "$repository"

# No library is looked for beside the program.
options=(-c release --product aikit-lua --disable-local-rpath)
# Overlapping accesses are found in the debug builds that the tests run; looking for them in each call costs 4 % here.
options+=(-Xswiftc -enforce-exclusivity=unchecked)
# The machine, the engine and the bridge to Lua are modules of their own, and what a step does runs through all three.
options+=(-Xswiftc -cross-module-optimization)
# Generic types are asked for with the conformances that they need, rather than by names for which the runtime searches all
# 12,000 conformances of the program the first time.
options+=(-Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors)
[ "$(uname -s)" = Darwin ] ||
    options+=(--static-swift-stdlib -Xlinker -s -Xlinker "--version-script=$repository/scripts/exports.map"
        -Xswiftc -use-ld=lld -Xlinker -z -Xlinker pack-relative-relocs)
scripts/swift.sh build "${options[@]}"
