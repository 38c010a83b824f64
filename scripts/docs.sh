#!/usr/bin/env bash
# Builds the reference of the Swift API as a web site:  scripts/docs.sh [FOLDER]
#
# FOLDER is .build/docs unless given. It takes symbols from the compiler and pages from the catalogues in Sources/*/*.docc, with the
# tools of the Swift toolchain alone: a plugin would be one more package that every build resolves.
source "$(dirname "$0")/common.sh"
cd "$repository"

folder=${1:-.build/docs}
docc=$(command -v docc || true)
[ -n "$docc" ] || docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc
[ -x "$docc" ] || die "no docc beside swift; it comes with the Swift toolchain"

say "building"
scripts/swift.sh build --build-tests
say "reading the symbols"
symbols=$(mktemp -d)
trap 'rm -rf "$symbols"' EXIT
scripts/swift.sh package dump-symbol-graph --minimum-access-level public --skip-synthesized-members >/dev/null
# What people import; the modules of the tests and those below stay out.
modules=(FlatValue WorkflowCore WorkflowEngine LuaWorkflows HostEffects SQLiteJournal PostgresJournal MemoryJournal
    WorkflowServer WorkflowTelemetry)
for module in "${modules[@]}"; do
    find .build/*/symbolgraph "$(readlink -f .build/debug)/symbolgraph" -maxdepth 1 \
        \( -name "$module.symbols.json" -o -name "$module@*.symbols.json" \) -exec cp {} "$symbols" \; 2>/dev/null || true
    [ -f "$symbols/$module.symbols.json" ] || die "no symbols of $module"
done
say "writing $folder"
"$docc" convert Sources/WorkflowEngine/WorkflowEngine.docc --additional-symbol-graph-dir "$symbols" \
    --fallback-display-name WorkflowEngine --fallback-bundle-identifier aikit-lua.WorkflowEngine \
    --transform-for-static-hosting --output-path "$folder"
