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

# Homebrew keeps some of its packages out of pkg-config's way.
if [ "$(uname -s)" = Darwin ] && has brew; then
    for formula in lua@5.4 pcre2 sqlite; do
        PKG_CONFIG_PATH="$(brew --prefix "$formula")/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    done
    export PKG_CONFIG_PATH
fi
