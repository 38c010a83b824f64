#!/usr/bin/env python3
"""Three servers on one store, killed and started again at random, and what begins their runs: schedules, hooks, limits, debounce.

    scripts/stress-triggers.py PROGRAM [--seconds 120] [--seed N]

What has to hold when all is over:

- each time of a schedule between the first and the last has its run, once;
- no more runs of a key than its limit have been under way at once, and no more runs than the rate in any period;
- of starts that come close upon each other the last one runs, with its input, and those before it end as cancelled;
- a hook that was answered has its run, which has not begun before it was in the store, and has ended well.

Prints figures, and exits with 1 if anything did not hold.
"""

import argparse
import collections
import http.client
import json
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time

from stress_common import SUCCESS, Server, max_within, times

LIMIT, RATE = 2, 15
CANCELLED = 6
SCRIPT = f"""
local aikit = require "aikit"
local function work(input) aikit.sleep(0.02) return input.n or 0 end

local tick = aikit.workflow {{
    id = "tick",
    schedules = {{ {{ id = "second", every = "1s", overlap = "allow", catch_up = "1h", catch_up_all = true }} }},
  }}
  :step {{ id = "work", handler = work }}:commit()

local keyed = aikit.workflow {{
    id = "keyed", concurrency = {{ limit = {LIMIT}, key = function(input) return input.key end }},
  }}
  :step {{ id = "work", handler = work }}:commit()

local rated = aikit.workflow {{ id = "rated", rate_limit = {{ limit = {RATE}, period = "1s" }} }}
  :step {{ id = "work", handler = work }}:commit()

local late = aikit.workflow {{
    id = "late", debounce = {{ period = "2s", key = function(input) return input.key end }},
  }}
  :step {{ id = "work", handler = work }}:commit()

local hooked = aikit.workflow {{
    id = "hooked",
    hooks = {{ {{ id = "in", path = "in", run_id = function(request) return "hook-" .. request.json.n end }} }},
  }}
  :step {{ id = "work", handler = work }}:commit()

return {{ tick, keyed, rated, late, hooked }}
"""


class Client(threading.Thread):
    """Sends requests to whichever server answers, the same one again where there was no answer."""

    def __init__(self, servers, stop, seed, body):
        super().__init__()
        self.servers, self.stopped, self.chance, self.body = servers, stop, random.Random(seed), body
        self.sent = []

    def run(self):
        number = 0
        while not self.stopped.is_set():
            number += 1
            self.body(self, number)

    def post(self, path, body):
        """Returns once a server has taken it."""
        while True:
            server = self.chance.choice(self.servers)
            try:
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status in (200, 202):
                    return answer.status
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)


def keyed(client, n):
    client.post(
        "/api/workflows/keyed/runs",
        {"inputData": {"n": n, "key": f"k{n % 3}"}, "runId": f"keyed-{client.name}-{n}"})
    time.sleep(0.03)


def rated(client, n):
    client.post("/api/workflows/rated/runs", {"inputData": {"n": n}, "runId": f"rated-{client.name}-{n}"})
    time.sleep(0.08)


def debounced(client, n):
    """A burst of starts of a key of its own, each sent when the one before is in the store."""
    key = f"{client.name}-{n}"
    began = time.monotonic()
    size = client.chance.randint(1, 5)
    for index in range(size):
        client.post(
            "/api/workflows/late/runs", {"inputData": {"n": index, "key": key}, "runId": f"late-{key}-{index}"})
    # A burst over which a server died may have taken longer than the period.
    client.sent.append((key, size, time.monotonic() - began < 1.5))
    time.sleep(0.5)


def hooked(client, n):
    client.post("/hooks/in", {"n": f"{client.name}-{n}"})
    client.sent.append(f"hook-{client.name}-{n}")
    time.sleep(0.05)


def check(path, clients):
    store = sqlite3.connect(path)
    faults = []
    rows = {run: (row, workflow, status) for row, run, workflow, status in store.execute(
        "SELECT row, id, workflow, status FROM runs")}
    _, begun, ended = times(store)
    for run, (row, workflow, status) in rows.items():
        starts, ends = len(begun.get(row, [])), len(ended.get(row, []))
        if ends != 1 or starts > 1 or starts == 0 and status != CANCELLED:
            faults.append(f"{run} began {starts} times and ended {ends} times, with status {status}")
        if status != SUCCESS and workflow != "late":
            faults.append(f"{run} has status {status}")
    of = collections.defaultdict(list)
    for run, (row, workflow, status) in rows.items():
        if row in begun:
            of[workflow].append((run, begun[row][0], ended.get(row, [begun[row][0]])[0]))

    moments = sorted(time.mktime(time.strptime(run.rsplit("~", 1)[1], "%Y%m%dT%H%M%SZ")) for run, _, _ in of["tick"])
    missing = (moments[-1] - moments[0] + 1) - len(moments) if moments else 1
    if missing:
        faults.append(f"{missing:.0f} times of the schedule have no run")

    most = 0
    for key in range(3):
        changes = sorted(
            change for run, start, end in of["keyed"] if int(run.rsplit("-", 1)[1]) % 3 == key
            for change in ((start, 1, 1), (end, 0, -1)))
        running = 0
        for _, _, change in changes:
            running += change
            most = max(most, running)
    if most > LIMIT:
        faults.append(f"{most} runs of a key were under way at once, and the limit is {LIMIT}")
    rate = max_within(sorted(start for _, start, _ in of["rated"]), 1_000_000)
    if rate > RATE:
        faults.append(f"{rate} runs began within a second, and the limit is {RATE}")

    bursts = 0
    for client in clients:
        for sent in client.sent:
            if isinstance(sent, str):
                if sent not in rows:
                    faults.append(f"{sent} was answered and is not there")
                continue
            key, size, is_close = sent
            statuses = [rows.get(f"late-{key}-{index}", (0, "", None))[2] for index in range(size)]
            bursts += 1
            if statuses[-1] != SUCCESS or is_close and statuses[:-1] != [CANCELLED] * (size - 1):
                faults.append(f"starts {key} came to {statuses}")
    return faults, {
        "runs": len(rows), "times of the schedule": len(moments), "most of a key at once": most,
        "most within a second": rate, "bursts": bursts, "hooks": len(of["hooked"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    program, chance, kills = os.path.abspath(options.program), random.Random(options.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "triggers.lua"), "w") as file:
            file.write(SCRIPT)

        def serve():
            return Server(program, folder, "triggers.lua", "triggers.db")

        servers, stop = [serve() for _ in range(3)], threading.Event()
        clients = [
            Client(servers, stop, options.seed + index, body)
            for index, body in enumerate([keyed, keyed, rated, rated, debounced, debounced, hooked])]
        for client in clients:
            client.start()
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            time.sleep(chance.uniform(1, 4))
            index = chance.randrange(3)
            servers[index].kill()
            time.sleep(chance.uniform(0, 1))
            servers[index] = serve()
            kills += 1
        stop.set()
        for client in clients:
            client.join()
        path = os.path.join(folder, "triggers.db")
        store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        # A rate may have kept many waiting; as long as some end, none of them hangs.
        left, patience = None, time.monotonic() + 60
        while left != 0 and time.monotonic() < patience:
            # The schedule goes on; its newest runs are none that hang.
            now = store.execute(
                "SELECT count(*) FROM runs WHERE status < ? AND workflow != 'tick'", (SUCCESS,)).fetchone()[0]
            if now != left:
                left, patience = now, time.monotonic() + 60
            time.sleep(0.2)
        for server in servers:
            server.process.terminate()
        for server in servers:
            server.process.wait()
        store.close()
        faults, figures = check(path, clients)
    print(json.dumps({"seconds": options.seconds, "kills": kills, **figures}, indent=2))
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
