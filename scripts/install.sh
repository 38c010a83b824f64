#!/usr/bin/env bash
# Installs a built program with its manual page and shell completions:  scripts/install.sh PROGRAM PREFIX
source "$(dirname "$0")/common.sh"
[ $# -eq 2 ] || die "usage: scripts/install.sh PROGRAM PREFIX"

program=$1
prefix=$2
[ -x "$program" ] || die "no program at $program; run make build"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# put NAME FOLDER COMMAND…: what a command prints, as a file below the prefix.
put() {
    local name=$1 folder=$prefix/$2
    shift 2
    "$@" >"$made/$name"
    install -d "$folder"
    install -m 644 "$made/$name" "$folder/$name"
}

install -d "$prefix/bin"
install -m 755 "$program" "$prefix/bin/aikit-lua"
put aikit-lua.1 share/man/man1 "$program" manual
put aikit-lua share/bash-completion/completions "$program" --generate-completion-script bash
put _aikit-lua share/zsh/site-functions "$program" --generate-completion-script zsh
put aikit-lua.fish share/fish/vendor_completions.d "$program" --generate-completion-script fish
echo "installed $prefix/bin/aikit-lua"
