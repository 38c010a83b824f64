#!/usr/bin/env bash
# Installs what the build needs and the machine lacks:  scripts/setup.sh build|test|browser|clock|lint|bench …
#
# Debian and Ubuntu: apt-get, as root or through sudo. macOS: brew. Elsewhere, and where it may not install, it names
# what is missing and stops.
source "$(dirname "$0")/common.sh"

missing=()

# need PRESENT DEBIAN BREW: PRESENT is a command that succeeds where the thing is installed.
need() {
    eval "$1" >/dev/null 2>&1 && return
    if [ "$(uname -s)" = Darwin ]; then missing+=("$3"); else missing+=("$2"); fi
}

need_library() { need "pkg-config --exists $1" "$2" "$3"; }

check() {
    missing=()
    need "has pkg-config" pkg-config pkgconf
    for purpose in "$@"; do
        case $purpose in
        build)
            need_library "$lua_package" liblua5.4-dev lua@5.4
            need_library libpcre2-8 libpcre2-dev pcre2
            need_library sqlite3 libsqlite3-dev sqlite
            need_library zlib zlib1g-dev zlib
            ;;
        test)
            need lua_interpreter lua5.4 lua@5.4
            need "has python3" python3 python3
            need "has curl" curl curl
            ;;
        browser)
            need "has chromedriver" chromium-driver chromedriver
            need browser_python python3-selenium selenium
            ;;
        clock) need "has faketime" faketime libfaketime ;;
        lint) need "has luacheck" lua-check luacheck ;;
        bench) need "has hyperfine" hyperfine hyperfine ;;
        *) die "setup.sh knows build, test, browser, clock, lint and bench, not '$purpose'" ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# sudo helps where it needs no password, or where somebody is there to type it.
may_be_root() { [ "$(id -u)" = 0 ] || { has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }; }

install_missing() {
    if has apt-get; then
        local command="apt-get install -y --no-install-recommends ${missing[*]}"
        may_be_root || die "missing: ${missing[*]}. There is no root and no sudo here; have an administrator run: $command"
        say "installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        # A fresh machine has no package lists, or old ones.
        as_root $command >&2 || { as_root apt-get update >&2 && as_root $command >&2; } ||
            die "could not install ${missing[*]}; try by hand: $command"
    elif has brew; then
        say "installing ${missing[*]}"
        brew install "${missing[@]}" >&2 || die "could not install ${missing[*]}; try by hand: brew install ${missing[*]}"
    else
        die "missing: ${missing[*]} (the names are Debian's). There is no apt-get and no brew here: install them with the tools of this system"
    fi
}

has swift || die "Swift is missing. Install Swift 6.2 or newer: https://www.swift.org/install"
has git || die "git is missing: Swift fetches the packages with it"

check "$@"
if [ ${#missing[@]} -gt 0 ]; then
    install_missing
    check "$@"
    [ ${#missing[@]} = 0 ] || die "still missing after the installation: ${missing[*]}"
fi
