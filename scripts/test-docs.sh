#!/usr/bin/env bash
# Checks that the guides show what really happens:  scripts/test-docs.sh [--update] [NAME…]
#
# A block of a guide that follows a line `<!-- PATH -->` shows the file PATH, word for word. A file docs/scripts/NAME.out
# is a session: each line that begins with `$ ` is run, in a copy of docs/scripts, and must print what stands below it on
# standard output; in a file NAME.terminal, on standard output and standard error. What differs from run to run (ids,
# times, durations) is made equal before the comparison.
#
# --update writes the sessions as they came out, and the files into the guides; look at the difference before you commit.
source "$(dirname "$0")/common.sh"
cd "$repository"

binary=$(realpath "${AIKIT_LUA_BINARY:-.build/release/aikit-lua}")
[ -x "$binary" ] || die "no program at $binary; run make build"
update=
if [ "${1:-}" = --update ]; then
    update=1
    shift
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/shown"
ln -s "$binary" "$folder/bin/aikit-lua"
# Sessions run in a copy, so that the runs that they keep are gone afterwards.
cp -r docs/scripts "$folder/scripts"
# The program of the guide to embedding, and its script.
cp examples/embedding/order.lua "$folder/scripts"
ln -s "$repository/.build/debug/embedding" "$folder/bin/embedding"
failures=0

fail() {
    printf 'FAIL %s\n' "$1" >&2
    failures=$((failures + 1))
}

# Runs the commands of a session in one shell and prints the session as it went.
replay() {
    local session=$1 line command status=0
    cd "$folder/scripts"
    export PATH=$folder/bin:$PATH
    while IFS= read -r line; do
        [ "${line#\$ }" != "$line" ] || continue
        printf '%s\n' "$line"
        command=${line#\$ }
        while [ "${command%\\}" != "$command" ] && IFS= read -r line; do
            printf '%s\n' "$line"
            command=${command%\\}$line
        done
        (exit "$status") # so that `echo $?` sees the status of the command before it
        eval "$command" </dev/null
        status=$?
    done <"$session"
    # A server that the session left in the background ends with it.
    local jobs_left
    jobs_left=$(jobs -p)
    [ -z "$jobs_left" ] || kill $jobs_left 2>/dev/null
}

equalised() {
    sed -E -e 's/"trace_id":"[0-9a-f]{32}"/"trace_id":"TRACE"/g' \
        -e 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g' \
        -e 's/1[0-9]{12}/TIME/g' \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?/MOMENT/g' \
        -e 's/[0-9]+(\.[0-9]+)? ?(ms|µs|s)\b/DURATION/g' -e 's/DURATION +/DURATION /g' -e '/STARTED +TOOK/s/ +/ /g' "$1"
}

for session in docs/scripts/*.out docs/scripts/*.terminal; do
    name=$(basename "${session%.*}")
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    : >"$folder/stderr"
    case $session in
    *.terminal) (set +e; replay "$repository/$session") >"$folder/session" 2>&1 ;;
    *) (set +e; replay "$repository/$session") >"$folder/session" 2>"$folder/stderr" ;;
    esac || true
    if cmp -s <(equalised "$session") <(equalised "$folder/session"); then
        echo "ok   $session"
    elif [ -n "$update" ]; then
        cp "$folder/session" "$session"
        echo "new  $session"
    else
        diff -u --label "$session" --label "this time" <(equalised "$session") <(equalised "$folder/session") >&2 || true
        sed 's/^/  stderr: /' "$folder/stderr" | tail -n 20 >&2
        fail "$session"
    fi
done

# The guides with each shown file put into its block: equal to the guides themselves, or a block is out of date.
shown='
    function flush_file() { while ((getline line < path) > 0) print line; close(path) }
    /^<!-- [^ ]+ -->$/ { path = $2; print; next }
    path != "" && /^```/ {
        print
        if ((getline line < path) < 0) { print "no such file: " path > "/dev/stderr"; exit 1 }
        close(path); print path >> list; flush_file()
        while ((getline line) > 0 && line !~ /^```$/) { }
        print "```"; path = ""; next
    }
    { print }
'
for guide in README.md docs/*.md; do
    awk -v list="$folder/list" "$shown" "$guide" >"$folder/guide" || fail "$guide"
    if [ -n "$update" ]; then
        cmp -s "$folder/guide" "$guide" || cp "$folder/guide" "$guide"
    elif ! diff -u --label "$guide" --label "the files it shows" "$guide" "$folder/guide" >&2; then
        fail "$guide (scripts/test-docs.sh --update mends it)"
    else
        echo "ok   $guide"
    fi
done
for file in docs/scripts/*.*; do
    grep -qxF "$file" "$folder/list" || fail "$file is shown by no guide"
done

# Links to files of the repository lead somewhere.
while IFS=: read -r guide link; do
    target=$(dirname "$guide")/${link%%#*}
    [ -e "$target" ] || fail "$guide links to $link, which is not there"
done < <(grep -noE '\]\([^)#: ]+\)' README.md docs/*.md /dev/null | sed -E 's/^([^:]+):[0-9]+:\]\((.*)\)$/\1:\2/')

[ "$failures" -eq 0 ]
