#!/bin/sh
# Fuzzes the C bridge under AddressSanitizer and UndefinedBehaviorSanitizer:  scripts/test-fuzz.sh [SECONDS [SEED]]
#
# The seeds of Tests/Fuzz/corpus.txt, in which something was found once, run first; then new ones from SEED on for SECONDS (30).
# A seed always does the same, and the message of a failure names it.
set -eu
cd "$(dirname "$0")/.."
package=${AIKIT_LUA_PKGCONFIG:-lua5.4}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
compiler=${CC:-clang}
linker=
if "$compiler" -fuse-ld=lld --version >/dev/null 2>&1; then linker=-fuse-ld=lld; fi
"$compiler" -std=gnu17 -DLB_TESTING -g -O1 -Wall -Wextra -Werror -Wno-c23-extensions $linker \
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    $(pkg-config --cflags "$package") -ISources/CLuaBridge -ISources/CLuaBridge/include Tests/Fuzz/bridge.c Sources/CLuaBridge/*.c \
    -o "$build/fuzz" $(pkg-config --libs "$package") -lm -lpthread
"$build/fuzz" "${1:-30}" $(cat Tests/Fuzz/corpus.txt) "${2:-1000}"
