#!/usr/bin/env python3
"""Puts very many runs into a queue, kills the server again and again, and checks from the journals that its limits held.

    scripts/stress-queue.py PROGRAM [--runs 100000] [--kills 3] [--keys 50] [--seconds 600] [--hold]

Runs of a workflow with a concurrency key, a rate limit and a priority are started over HTTP while `aikit-lua serve` is killed
(SIGKILL) and started again on the same SQLite store. What has to hold:

- every run that was accepted comes to its end, once;
- at no time have more runs of a key begun than its limit, and in no period more runs than the rate;
- of the runs of a key that wait, the one with the highest priority begins first, and of equal ones the oldest.

With --hold the first runs of each key wait until all have been accepted, so that all others are in the queue at once; the server's
memory may not have grown by more than --slack MiB with them.

Prints figures, and exits with 1 if anything did not hold.
"""

import argparse
import collections
import concurrent.futures
import heapq
import http.client
import json
import os
import re
import sqlite3
import sys
import tempfile
import time

from stress_common import SUCCESS, Server, max_within, times

LIMIT = 4
RATE = 3000
SCRIPT = f"""
local aikit = require "aikit"
return aikit.workflow {{
    id = "job",
    concurrency = {{ limit = {LIMIT}, key = function(input) return input.key end }},
    rate_limit = {{ limit = {RATE}, period = "1s" }},
    priority = function(input) return input.priority end,
  }}
  :branch {{ id = "held", resolve = function(input) return input.hold and "wait" or "go" end, cases = {{
    wait = {{ aikit.wait_for {{ id = "gate", event = "open" }} }},
    go = {{ {{ id = "work", handler = function(input) return input.n end }} }},
  }} }}
  :commit()
"""

# What lies so close together (in microseconds) may have been decided before it was known.
CLOSE = 50_000


def start_runs(numbers, servers, keys, held=0):
    """Starts runs over one connection; a client that has no answer asks again, which starts none twice."""
    connection = port = None
    for number in numbers:
        body = json.dumps({
            "inputData": {
                "n": number, "key": f"k{number % keys}", "priority": number * 7919 % 5, "hold": number < held},
            "runId": f"r{number}"})
        while True:
            try:
                if connection is None or port != servers[0].port:
                    port = servers[0].port
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request(
                    "POST", "/api/workflows/job/runs", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status in (200, 202):
                    break
            except (OSError, http.client.HTTPException):
                connection = None
            time.sleep(0.02)


def memory(server):
    """The resident memory of a server, in MiB."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


def open_gates(server, held):
    """Lets the runs go on that hold the others up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for number in range(held):
        connection.request(
            "POST", f"/api/runs/r{number}/signals/open", '{"data":1}', {"Content-Type": "application/json"})
        connection.getresponse().read()


def check(path, count, keys):
    store = sqlite3.connect(path)
    faults = []
    numbers = {row: int(run[1:]) for row, run in store.execute("SELECT row, id FROM runs")}
    entered, begun, ended = times(store)
    if len(numbers) != count:
        faults.append(f"{len(numbers)} of {count} runs are in the store")
    for row, number in numbers.items():
        if len(begun.get(row, [])) != 1 or len(ended.get(row, [])) != 1:
            faults.append(f"r{number} began {len(begun.get(row, []))} times and ended {len(ended.get(row, []))} times")
    if faults:
        return faults, {}
    starts = sorted(moments[0] for moments in begun.values())
    most_rate = max_within(starts, 1_000_000)
    if most_rate > RATE:
        faults.append(f"{most_rate} runs began within a second, and the limit is {RATE}")
    by_key = collections.defaultdict(list)
    for row, number in numbers.items():
        by_key[number % keys].append((row, number))
    most = late = 0
    for runs in by_key.values():
        changes = sorted([(ended[row][0], 0, -1) for row, _ in runs] + [(begun[row][0], 1, 1) for row, _ in runs])
        running = 0
        for _, _, change in changes:
            running += change
            most = max(most, running)
        late += out_of_order(runs, entered, begun)
    if most > LIMIT:
        faults.append(f"{most} runs of a key had begun at once, and the limit is {LIMIT}")
    if late:
        faults.append(f"{late} runs began before others of their key whose turn it was")
    span = (starts[-1] - starts[0]) / 1e6
    return faults, {
        "runs": count, "seconds from first to last start": round(span, 1), "starts a second": round(count / max(span, 0.001)),
        "most within a second": most_rate, "most of a key at once": most}


def out_of_order(runs, entered, begun):
    """How many runs of a key began while one with a higher priority, or an older one of the same, had waited for long."""
    rank = {row: (-(number * 7919 % 5), row) for row, number in runs}
    coming = sorted((entered[row] + CLOSE, row) for row, _ in runs)
    waiting, gone, place, late = [], set(), 0, 0
    for moment, row in sorted((begun[row][0], row) for row, _ in runs):
        while place < len(coming) and coming[place][0] <= moment:
            heapq.heappush(waiting, rank[coming[place][1]])
            place += 1
        gone.add(row)
        while waiting and waiting[0][1] in gone:
            heapq.heappop(waiting)
        # Those that begin at the same moment are of one look at the queue.
        late += bool(waiting and waiting[0] < rank[row] and begun[waiting[0][1]][0] > moment)
    return late


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--keys", type=int, default=50)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--hold", action="store_true")
    parser.add_argument("--slack", type=float, default=32)
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "job.lua"), "w") as file:
            file.write(SCRIPT)
        path = os.path.join(folder, "job.db")
        began = time.monotonic()
        servers = [Server(program, folder, "job.lua", "job.db")]
        held, faults, grown = 0, [], {}
        if options.hold:
            held = options.keys * LIMIT
            start_runs(range(held), servers, options.keys, held)
        with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
            parts = [
                pool.submit(start_runs, range(held + client, options.runs, options.clients), servers, options.keys)
                for client in range(options.clients)]
            for _ in range(options.kills):
                time.sleep(3)
                servers[0].kill()
                servers[0] = Server(program, folder, "job.lua", "job.db")
            if held:
                # Once some thousands have come, the server has all that it needs by itself.
                store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                while store.execute("SELECT count(*) FROM runs").fetchone()[0] < min(5000, options.runs // 2):
                    time.sleep(0.1)
                store.close()
                before = memory(servers[0])
            for part in parts:
                part.result()
        accepted = time.monotonic() - began
        if held:
            after = memory(servers[0])
            grown = {"MiB with few": round(before, 1), "MiB with all": round(after, 1)}
            if after - before > options.slack:
                faults.append(f"the memory of the server has grown by {after - before:.1f} MiB")
            open_gates(servers[0], held)
        store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        while time.monotonic() - began < options.seconds:
            left = store.execute("SELECT count(*) FROM runs WHERE status < ?", (SUCCESS,)).fetchone()[0]
            if left == 0:
                break
            time.sleep(1)
        servers[0].process.terminate()
        servers[0].process.wait()
        store.close()
        found, figures = check(path, options.runs, options.keys)
        faults += found
    print(json.dumps({"accepted after": round(accepted, 1), "kills": options.kills, **grown, **figures}, indent=2))
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
