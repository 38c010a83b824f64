#!/bin/sh
# Measures one call through the bridge beside a plain Lua loop; LUA_LIB chooses the library to link.
set -eu
cd "$(dirname "$0")/.."
build=${TMPDIR:-/tmp}/aikit-bench-bridge
package=${AIKIT_LUA_PKGCONFIG:-lua5.4}
${CC:-clang} -std=gnu17 -O2 ${CFLAGS:-} -Wall -Wextra -Wno-c23-extensions $(pkg-config --cflags "$package") \
    -ISources/CLuaBridge/include scripts/bench-bridge.c Sources/CLuaBridge/*.c -o "$build" \
    ${LUA_LIB:-$(pkg-config --libs "$package")} -lm -ldl -lpthread
exec "$build" "$@"
