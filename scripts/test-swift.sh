#!/usr/bin/env bash
# Runs the Swift tests that are built, and those that fail once more by themselves:  scripts/test-swift.sh
#
# A thousand tests share the machine's cores, and some of them measure time: what fails among the others and passes alone is named
# as a warning. A test that fails both times, a test process that ends by itself, and more than ten failures fail the whole.
source "$(dirname "$0")/common.sh"
cd "$repository"

reports=$(mktemp -d "${TMPDIR:-/tmp}/aikit-lua-tests-XXXXXX")
trap 'rm -rf "$reports"' EXIT

# run_tests NAME OPTION…: for twenty minutes at most; what is printed goes to NAME.log as well, the results to NAME-swift-testing.xml.
run_tests() {
    local name=$1
    shift
    timeout 1200 scripts/swift.sh test --skip-build --xunit-output "$reports/$name.xml" "$@" 2>&1 | tee "$reports/$name.log"
}

# issues NAME: what failed, in the words of the tests.
issues() { grep -aE '^✘|^error:|signal code' "$reports/$1.log" | cut -c1-400 | head -n 40 || true; }

# failed_tests NAME: one pattern a line for --filter; fails where the process did not come to its end.
failed_tests() {
    python3 - "$reports/$1-swift-testing.xml" <<'PYTHON'
import re, sys, xml.etree.ElementTree as tree
for case in tree.parse(sys.argv[1]).iter("testcase"):
    if case.find("failure") is not None:
        suite = case.get("classname").split(".", 1)
        print(re.escape(f"{suite[0]}.{suite[-1].replace('.', '/')}/{case.get('name')}"))
PYTHON
}

# part NAME OPTION…: runs some of the tests, and what fails of them once more.
part() {
    local name=$1
    shift
    say "Swift tests: $name"
    run_tests "$name" "$@" && return
    issues "$name" >&2
    failed_tests "$name" >"$reports/failed" || die "the tests did not come to their end"
    local failed filters=() pattern
    mapfile -t failed <"$reports/failed"
    [ ${#failed[@]} -gt 0 ] && [ ${#failed[@]} -le 10 ] || die "${#failed[@]} tests failed"
    for pattern in "${failed[@]}"; do filters+=(--filter "$pattern"); done
    say "once more, by themselves: ${#failed[@]} tests"
    if run_tests again "${filters[@]}"; then
        say "warning: passed only by themselves: ${failed[*]}"
        return
    fi
    {
        echo "failed among the others:"
        issues "$name"
        echo "failed by themselves:"
        issues again
    } >&2
    exit 1
}

# All tests of a process begin at once, so those that talk to servers and processes have it for themselves.
outward="HostEffectsTests|LuaTestingTests|SandboxTests|VMProcessTests|WorkflowServerTests|WorkflowTelemetryTests"
part outward --filter "$outward"
part command-line --filter CLITests
part inward --skip "CLITests|$outward"
