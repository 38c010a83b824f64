#!/usr/bin/env python3
"""Servers on one PostgreSQL that are killed, stopped past their lease, cut off and restarted while they work.

    scripts/test-cluster.py BINARY ADDRESS [--seconds N] [--runs N]

scripts/postgres.sh has started the database and its folder is in AIKIT_LUA_POSTGRES_DIR. At the end every run has to have ended with the
right result, no step whose success is recorded may have begun again, and nothing in the store may be damaged. Exit status: 0 or 1.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SCRIPT = """
local aikit = require "aikit"
local function plain(id) return aikit.step { id = id, handler = function(n) return n + 1 end } end

local sequence = aikit.workflow { id = "sequence" }
for index = 1, 6 do sequence:step(plain("s" .. index)) end

local waits = aikit.workflow { id = "waits" }
  :step(plain "before"):delay { id = "pause", duration = "1500ms" }:step(plain "between")
  :delay { id = "again", duration = "2s" }:step(plain "after")

local signalled = aikit.workflow { id = "signalled" }
  :step { id = "first", handler = function(n) return n end }
  :wait_for { id = "go", event = "go" }
  :step { id = "last", handler = function(data) return data.add end }

local spread = aikit.workflow { id = "spread" }
  :foreach { id = "each", items = function(n) local t = aikit.array {} for i = 1, 8 do t[i] = n + i end return t end,
    concurrency = 4, step = { id = "one", handler = function(n) aikit.sleep("100ms") return n end },
    collect = function(results) local sum = 0 for _, n in ipairs(results) do sum = sum + n end return sum end }

local slow = aikit.workflow { id = "slow" }
  :step(plain "a"):step { id = "work", handler = function(n) aikit.sleep("700ms") return n end }:step(plain "b")

return { sequence:commit(), waits:commit(), signalled:commit(), spread:commit(), slow:commit() }
"""

EXPECTED = {
    "sequence": lambda n: n + 6,
    "waits": lambda n: n + 3,
    "signalled": lambda n: n + 1000,
    "spread": lambda n: 8 * n + 36,
    "slow": lambda n: n + 2,
}


class Node:
    """A server that is started again whenever it has been killed."""

    def __init__(self, number, port, binary, store, script, folder):
        self.number, self.port, self.binary, self.store, self.script = number, port, binary, store, script
        self.log = open(folder / f"node-{number}.log", "ab")
        self.process = None
        self.is_stopped = False

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "serve", str(self.script), "--store", self.store, "--port", str(self.port), "--no-watch"],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.is_stopped = False

    def send(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def ask(self, path, body=None, timeout=5):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method="GET" if body is None else "POST",
            data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)


class Cluster:
    def __init__(self, nodes):
        self.nodes = nodes

    def ask(self, path, body=None, patience=120):
        """Asks any node that answers, as behind a load balancer; a conflict says that it was done before."""
        end = time.monotonic() + patience
        while True:
            node = random.choice([node for node in self.nodes if not node.is_stopped] or self.nodes)
            try:
                return node.ask(path, body)
            except urllib.error.HTTPError as error:
                text = error.read().decode(errors="replace")
                if error.code in (404, 409) or time.monotonic() > end:
                    return {"status": error.code, "error": text}
            except Exception as error:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)


def disturb(nodes, store, seconds, counts):
    """Every two seconds does something bad to a node or to the database."""
    folder = os.environ["AIKIT_LUA_POSTGRES_DIR"]
    end = time.monotonic() + seconds
    stopped = {}
    turn = 0
    while time.monotonic() < end or stopped:
        time.sleep(2)
        now = time.monotonic()
        for node, since in list(stopped.items()):
            if now - since > 17:
                node.send(signal.SIGCONT)
                node.is_stopped = False
                del stopped[node]
        if now >= end:
            continue
        node = nodes[turn % len(nodes)]
        kind = ["kill", "cut", "stop", "kill", "terminate", "database"][turn % 6]
        turn += 1
        if node in stopped:
            continue
        if kind == "stop" and not stopped:
            node.send(signal.SIGSTOP)
            node.is_stopped = True
            stopped[node] = now
        elif kind == "cut":
            subprocess.run(
                ["psql", "-qAt", store, "-c", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE application_name = 'aikit-lua'"], stdout=subprocess.DEVNULL, check=False)
        elif kind == "database":
            subprocess.run(["scripts/postgres.sh", "kill", folder], check=True)
            subprocess.run(["scripts/postgres.sh", "start", folder], check=True, stdout=subprocess.DEVNULL)
        elif kind in ("kill", "terminate", "stop"):
            node.send(signal.SIGTERM if kind == "terminate" else signal.SIGKILL)
            try:
                node.process.wait(15)
            except subprocess.TimeoutExpired:
                node.send(signal.SIGKILL)
                node.process.wait()
            node.start()
        counts[kind] += 1


def faults_of(events):
    """What a run's events have twice: a step that succeeds again, or begins again after its success."""
    done = set()
    for event in events:
        key = (event.get("path"), event.get("occurrence"))
        if event["type"] == "step:success":
            if key in done:
                yield f"{key[0]} succeeded twice"
            done.add(key)
        elif event["type"] == "step:start" and key in done:
            yield f"{key[0]} began again after its success"
    sequences = [event["sequence"] for event in events]
    if any(one >= other for one, other in zip(sequences, sequences[1:])):
        yield "its events are not in order"
    if sum(event["type"] in ("workflow:success", "workflow:error", "workflow:cancelled") for event in events) != 1:
        yield "it does not end exactly once"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--runs", type=int, default=300)
    options = parser.parse_args()
    random.seed(1)

    folder = pathlib.Path(tempfile.mkdtemp(prefix="aikit-lua-nodes-"))
    script = folder / "cluster.lua"
    script.write_text(SCRIPT)
    port = int(os.environ.get("AIKIT_LUA_POSTGRES_PORT", "41000")) + 1
    nodes = [Node(number, port + number, options.binary, options.address, script, folder) for number in range(3)]
    for node in nodes:
        node.start()
    cluster = Cluster(nodes)
    while True:
        try:
            nodes[0].ask("/health/ready")
            break
        except Exception:
            if nodes[0].process.poll() is not None:
                sys.exit("the first server ended: " + (folder / "node-0.log").read_text())
            time.sleep(0.1)

    counts = collections.Counter()
    disturbing = threading.Thread(target=disturb, args=(nodes, options.address, options.seconds, counts))
    disturbing.start()

    kinds = list(EXPECTED)
    runs = [(f"run-{number}", kinds[number % len(kinds)], number) for number in range(options.runs)]
    pause = options.seconds / max(len(runs), 1) * 0.8
    problems = []

    def start(run):
        identity, workflow, number = run
        answer = cluster.ask(f"/api/workflows/{workflow}/runs", {"inputData": number, "runId": identity})
        if isinstance(answer.get("error"), str) and answer.get("status") not in (409,):
            problems.append(f"{identity} was not started: {answer}")
        if workflow == "signalled":
            cluster.ask(f"/api/runs/{identity}/signals/go", {"data": {"add": number + 1000}})

    starters = []
    for run in runs:
        thread = threading.Thread(target=start, args=(run,))
        thread.start()
        starters.append(thread)
        time.sleep(pause)
    for thread in starters:
        thread.join()
    disturbing.join()

    statuses = collections.Counter()
    end = time.monotonic() + 120
    waiting = dict((run[0], run) for run in runs)
    while waiting and time.monotonic() < end:
        for identity in list(waiting):
            _, workflow, number = waiting[identity]
            shown = cluster.ask(f"/api/runs/{identity}")
            status = shown.get("status")
            if status in ("success", "failed", "cancelled"):
                statuses[status] += 1
                result = shown.get("result")
                if status != "success" or result != EXPECTED[workflow](number):
                    problems.append(f"{identity} ({workflow}) is {status}: {json.dumps(shown)[:300]}")
                del waiting[identity]
            elif workflow == "signalled" and status == "waiting":
                # Whoever sent the signal may have had no answer to it.
                cluster.ask(f"/api/runs/{identity}/signals/go", {"data": {"add": number + 1000}})
        time.sleep(0.3)
    for identity in waiting:
        problems.append(f"{identity} has not ended: {json.dumps(cluster.ask('/api/runs/' + identity))[:300]}")

    for identity, _, _ in runs:
        answer = cluster.ask(f"/api/runs/{identity}/events")
        events = answer if isinstance(answer, list) else answer.get("events", answer.get("items", []))
        if not events:
            problems.append(f"{identity} has no events: {str(answer)[:200]}")
        problems.extend(f"{identity}: {fault}" for fault in faults_of(events))

    for node in nodes:
        node.send(signal.SIGTERM)
    for node in nodes:
        try:
            node.process.wait(20)
        except subprocess.TimeoutExpired:
            node.send(signal.SIGKILL)
            problems.append(f"node {node.number} does not end")
    check = subprocess.run(
        [options.binary, "runs", "check", "--store", options.address], capture_output=True, text=True)
    if check.returncode != 0:
        problems.append("the store is damaged: " + check.stderr)

    print(f"{len(runs)} runs, {dict(statuses)}; {dict(counts)}", file=sys.stderr)
    for problem in problems[:40]:
        print("✗ " + problem, file=sys.stderr)
    if problems:
        for node in nodes:
            print(f"--- node {node.number}", file=sys.stderr)
            print("\n".join((folder / f"node-{node.number}.log").read_text().splitlines()[-25:]), file=sys.stderr)
        sys.exit(1)


main()
