#!/bin/sh
# Builds the bridge with AddressSanitizer and UndefinedBehaviorSanitizer and drives it through everything that allocates.
set -eu
cd "$(dirname "$0")/.."
package=${AIKIT_LUA_PKGCONFIG:-lua5.4}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
compiler=${CC:-clang}
# gold, the linker that clang takes for itself, warns about a symbol of the sanitizer's for each register.
linker=
if "$compiler" -fuse-ld=lld --version >/dev/null 2>&1; then linker=-fuse-ld=lld; fi
"$compiler" -std=gnu17 -DLB_TESTING -g -O1 -Wall -Wextra -Werror -Wno-c23-extensions $linker \
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    $(pkg-config --cflags "$package") -ISources/CLuaBridge -ISources/CLuaBridge/include scripts/test-asan.c Sources/CLuaBridge/*.c \
    -o "$build/test-asan" $(pkg-config --libs "$package") -lm -lpthread
"$build/test-asan"
