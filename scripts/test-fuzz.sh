#!/bin/sh
# Fuzzes the C bridge under AddressSanitizer and UndefinedBehaviorSanitizer:  scripts/test-fuzz.sh [SECONDS [SEED]]
# Fuzzes what decodes values, frames, JSON and journals, with libFuzzer:       scripts/test-fuzz.sh decoders [SECONDS]
#
# The seeds of Tests/Fuzz/corpus.txt, in which something was found once, run first; then new ones from SEED on for SECONDS (30).
# A seed always does the same, and the message of a failure names it.
set -eu
cd "$(dirname "$0")/.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

# The decoders in a program of their own: WorkflowCore and what it imports, the frames of VM processes, and
# Tests/Fuzz/decoders.swift. Inputs that end it are kept in the current folder as crash-*.
if [ "${1:-}" = decoders ]; then
    flags="-swift-version 6 -parse-as-library -package-name aikit_lua -g -sanitize=fuzzer,address -ISources/CPCRE2"
    for feature in ExistentialAny InternalImportsByDefault MemberImportVisibility; do
        flags="$flags -enable-upcoming-feature $feature"
    done
    flags="$flags $(pkg-config --cflags libpcre2-8)"
    objects=
    for module in Platform FlatValue JSONSchema WorkflowCore; do
        find "Sources/$module" -name '*.swift' >"$build/sources"
        # shellcheck disable=SC2086
        swiftc $flags "-I$build" -module-name $module -wmo -emit-module -emit-module-path "$build/$module.swiftmodule" -c \
            -o "$build/part-$module.o" "@$build/sources"
        objects="$objects $build/part-$module.o"
    done
    # shellcheck disable=SC2086
    swiftc $flags -module-name Fuzz "-I$build" Sources/VMProcess/Wire/WireFrame.swift Tests/Fuzz/decoders.swift $objects \
        $(pkg-config --libs libpcre2-8) -o "$build/decoders"
    mkdir "$build/corpus"
    "$build/decoders" -max_total_time="${2:-30}" -print_final_stats=1 "$build/corpus"
    exit
fi
package=${AIKIT_LUA_PKGCONFIG:-lua5.4}
compiler=${CC:-clang}
linker=
if "$compiler" -fuse-ld=lld --version >/dev/null 2>&1; then linker=-fuse-ld=lld; fi
"$compiler" -std=gnu17 -DLB_TESTING -g -O1 -Wall -Wextra -Werror -Wno-c23-extensions $linker \
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    $(pkg-config --cflags "$package") -ISources/CLuaBridge -ISources/CLuaBridge/include Tests/Fuzz/bridge.c Sources/CLuaBridge/*.c \
    -o "$build/fuzz" $(pkg-config --libs "$package") -lm -lpthread
"$build/fuzz" "${1:-30}" $(cat Tests/Fuzz/corpus.txt) "${2:-1000}"
