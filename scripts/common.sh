# Shared by the scripts of this folder: where the repository is, and how they speak.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lua_package=${AIKIT_LUA_PKGCONFIG:-lua5.4}

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
[ -t 2 ] || say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# The name of a Lua 5.4 interpreter; fails where there is none.
lua_interpreter() {
    local name
    for name in lua5.4 lua-5.4 lua; do
        if has "$name" && "$name" -v 2>&1 | grep -q '^Lua 5\.4'; then
            echo "$name"
            return
        fi
    done
    return 1
}

# The name of a Python that has selenium: Debian's package is one for Debian's own Python, which need not be the first one.
# Fails where there is none.
browser_python() {
    local name
    for name in ${PYTHON:-python3} /usr/bin/python3; do
        if has "$name" && "$name" -c 'import selenium' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

# Homebrew keeps some of its packages out of pkg-config's way.
if [ "$(uname -s)" = Darwin ] && has brew; then
    for formula in lua@5.4 pcre2 sqlite; do
        PKG_CONFIG_PATH="$(brew --prefix "$formula")/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    done
    export PKG_CONFIG_PATH
fi

# link_archive NAME FOLDER: puts a link to the static libNAME.a, where the machine has it, into the folder.
link_archive() {
    local compiler archive
    compiler=$(command -v clang || command -v cc) || return 0
    archive=$("$compiler" -print-file-name="lib$1.a")
    [ ! -f "$archive" ] || ln -sf "$(realpath "$archive")" "$2/lib$1.a"
}
