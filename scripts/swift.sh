#!/usr/bin/env bash
# swift, with the C libraries linked statically where their archives are there:  scripts/swift.sh build -c release …
#
# A static archive shortens the time to start. The linker takes the first folder that has the library, so a folder with the
# archives alone comes first, through pkg-config files of our own. Where an archive is missing the shared library is
# linked as usual. AIKIT_LUA_PKGCONFIG names another Lua 5.4 and is left alone.
source "$(dirname "$0")/common.sh"

static=$repository/.build/static
libraries=(lua5.4 pcre2-8 sqlite3)
case " $* " in
*" --static-swift-stdlib "*)
    # What Swift's static libraries need besides.
    static+=-runtime
    libraries+=(stdc++ z)
    ;;
esac

prepare() {
    mkdir -p "$static"
    local name
    for name in "${libraries[@]}"; do
        link_archive "$name" "$static"
    done
    # The same flags as the system's file says, after our folder: each package's own, as one that names the system's folder would come first.
    for name in lua5.4 libpcre2-8 zlib; do
        pkg-config --exists "$name" || continue
        {
            printf 'Name: %s\nDescription: %s, static\nVersion: %s\n' "$name" "$name" "$(pkg-config --modversion "$name")"
            printf 'Cflags: %s\nLibs: -L%s %s\n' "$(pkg-config --cflags "$name")" "$static" "$(pkg-config --libs "$name")"
        } >"$static/$name.pc.new"
        # A file that did not change keeps its date, so that nothing is built again.
        cmp -s "$static/$name.pc.new" "$static/$name.pc" || mv "$static/$name.pc.new" "$static/$name.pc"
        rm -f "$static/$name.pc.new"
    done
}

if [ "$(uname -s)" = Linux ] && [ -z "${AIKIT_LUA_PKGCONFIG:-}" ]; then
    prepare
    export PKG_CONFIG_PATH="$static${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
fi
exec swift "$@"
