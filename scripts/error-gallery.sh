#!/usr/bin/env bash
# Keeps the gallery of errors in docs/errors.md:  scripts/error-gallery.sh [--update]
#
# Each file docs/scripts/errors/NN-NAME.lua is one entry: its first line is the title, and a second line that begins with
# `-- $ ` is the command; otherwise it is `aikit-lua run NAME.lua`. What the command says is shown below the script. Without
# --update the gallery is made anew and compared with what stands between its marks in the guide; ids, times and durations
# count as equal.
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
[ -x "$binary" ] || die "no program at $binary; run make build"
guide=docs/errors.md
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/work"
ln -s "$binary" "$folder/bin/aikit-lua"
export PATH=$folder/bin:$PATH

# One entry of the gallery, from a script.
entry() {
    local file=$1 name title command skipped=1 output status
    name=$(basename "$file" .lua)
    name=${name#*-}
    title=$(sed -n '1s/^-- //p' "$file")
    command=$(sed -n '2s/^-- \$ //p' "$file")
    if [ -n "$command" ]; then skipped=2; else command="aikit-lua run $name.lua"; fi
    tail -n "+$((skipped + 1))" "$file" >"$folder/work/$name.lua"
    status=0
    output=$(cd "$folder/work" && eval "$command --store memory" 2>&1 </dev/null) || status=$?
    # `check` has no store.
    case $command in *" check "*) status=0; output=$(cd "$folder/work" && eval "$command" 2>&1 </dev/null) || status=$? ;; esac
    printf '### %s\n\n```lua\n%s\n```\n\n' "$title" "$(cat "$folder/work/$name.lua")"
    printf '```console\n$ %s\n%s\n$ echo $?\n%s\n```\n\n' "$command" "$output" "$status"
}

equalised() {
    sed -E -e 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g' \
        -e 's/[0-9]+(\.[0-9]+)? ?(ms|µs|s)\b/DURATION/g' "$1"
}

for file in docs/scripts/errors/*.lua; do entry "$file"; done >"$folder/gallery"

# The guide with the gallery between its marks.
awk -v gallery="$folder/gallery" '
    /^<!-- begin of the gallery -->$/ { print; print ""; while ((getline line < gallery) > 0) print line; inside = 1 }
    /^<!-- end of the gallery -->$/ { inside = 0 }
    !inside { print }
' "$guide" >"$folder/guide"

if [ "${1:-}" = --update ]; then
    cp "$folder/guide" "$guide"
elif ! diff -u --label "$guide" --label "this time" <(equalised "$guide") <(equalised "$folder/guide") >&2; then
    die "the gallery of errors has changed; look at the difference, then run scripts/error-gallery.sh --update"
else
    echo "ok   the gallery of errors ($(ls docs/scripts/errors/*.lua | wc -l) entries)"
fi
