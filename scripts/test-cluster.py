#!/usr/bin/env python3
"""Servers on one PostgreSQL that are killed, stopped past their lease, cut off and restarted while they work.

    scripts/test-cluster.py BINARY ADDRESS [--seconds N] [--runs N] [--failovers N]

With --failovers the database is that of scripts/patroni.sh, whose folder is in AIKIT_LUA_PATRONI_DIR, and what happens is that its
primary is killed, so many times: what was acknowledged has to be there, and runs go on within ten seconds after the election.
Otherwise scripts/postgres.sh has started the database and its folder is in AIKIT_LUA_POSTGRES_DIR.

At the end every run has to have ended with the right result, no step whose success is recorded may have begun again, what
servers have told of a run has to be there, no more runs of a concurrency key than its limit may have been under way at once,
each time of a schedule has to have had one run, a run that fails has to have undone each of its steps once, and nothing in the
store may be damaged. While the servers stand idle the store is copied into a file and from there into another database, with
nothing lost. Exit status: 0 or 1.
"""

import argparse
import collections
import datetime
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

from stress_common import free_port

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

local limited = aikit.workflow { id = "limited",
    concurrency = { limit = LIMIT, key = function(n) return "key-" .. n % KEYS end } }
  :step(plain "enter"):step { id = "hold", handler = function(n) aikit.sleep("2s") return n end }:step(plain "leave")

local trip = aikit.workflow { id = "trip" }
for _, id in ipairs { "a", "b", "c" } do
  trip:step { id = id, handler = function(n) return n + 1 end, compensate = function() aikit.sleep("400ms") end }
end
trip:delay { id = "pause", duration = "500ms" }:step { id = "fail", handler = function() error("sold out", 0) end }

local ticker = aikit.workflow { id = "ticker",
    schedules = { { id = "tick", every = "2s", input = 1, overlap = "allow", catch_up = "5m", catch_up_all = true } } }
  :step(plain "only")

return { sequence:commit(), waits:commit(), signalled:commit(), spread:commit(), slow:commit(), limited:commit(),
  trip:commit(), ticker:commit() }
""".replace("LIMIT", "2").replace("KEYS", "2")

LIMIT, KEYS = 2, 2

EXPECTED = {
    "sequence": lambda n: n + 6,
    "waits": lambda n: n + 3,
    "signalled": lambda n: n + 1000,
    "spread": lambda n: 8 * n + 36,
    "slow": lambda n: n + 2,
    "limited": lambda n: n + 2,
    # What it has undone.
    "trip": lambda n: ["c", "b", "a"],
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

    def ask(self, path, body=None, patience=120, timeout=5):
        """Asks any node that answers, as behind a load balancer; a conflict says that it was done before."""
        end = time.monotonic() + patience
        while True:
            node = random.choice([node for node in self.nodes if not node.is_stopped] or self.nodes)
            try:
                return node.ask(path, body, timeout)
            except urllib.error.HTTPError as error:
                text = error.read().decode(errors="replace")
                if error.code in (404, 409) or time.monotonic() > end:
                    return {"status": error.code, "error": text}
            except Exception as error:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)


def administrate(store, *statements):
    """Runs statements as the owner of the cluster, on the server that takes writes."""
    commands = [part for sql in statements for part in ("-c", sql)]
    subprocess.run(
        ["psql", "-qAt", store + "?target_session_attrs=read-write", *commands], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False)


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'aikit-lua'"


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
        kind = ["kill", "cut", "stop", "kill", "full", "terminate", "database", "restart"][turn % 8]
        turn += 1
        if node in stopped:
            continue
        if kind == "stop" and not stopped:
            node.send(signal.SIGSTOP)
            node.is_stopped = True
            stopped[node] = now
        elif kind == "cut":
            administrate(store, CUT)
        elif kind == "full":
            # The servers' user is let in no more: the same answer as that of a server without free connections.
            administrate(store, "ALTER ROLE app CONNECTION LIMIT 0", CUT)
            time.sleep(1.5)
            administrate(store, "ALTER ROLE app CONNECTION LIMIT -1")
        elif kind == "restart":
            subprocess.run(["scripts/postgres.sh", "restart", folder], check=True, stdout=subprocess.DEVNULL)
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


def fail_over(cluster, failovers, counts, problems):
    """Kills the primary of the database, and has it come back once runs go on without it."""
    def patroni(command, patience=180):
        return subprocess.run(
            ["scripts/patroni.sh", command], capture_output=True, text=True, timeout=patience, check=False)

    for number in range(failovers):
        time.sleep(6)
        killed, begin = patroni("kill-primary").stdout.strip(), time.monotonic()
        while not (chosen := patroni("primary").stdout.strip()) and time.monotonic() - begin < 90:
            time.sleep(0.1)
        elected = time.monotonic()
        identity = f"after-{number}"
        while True:
            cluster.ask("/api/workflows/sequence/runs", {"inputData": 0, "runId": identity}, patience=60, timeout=1)
            if cluster.ask(f"/api/runs/{identity}", timeout=1).get("status") == "success":
                break
            time.sleep(0.1)
        went_on = time.monotonic() - elected
        print(
            f"{killed} killed, {chosen or 'nobody'} chosen after {elected - begin:.1f} s, a run ended {went_on:.1f} s later",
            file=sys.stderr)
        if went_on > 10:
            problems.append(f"runs go on only {went_on:.1f} s after the election")
        if patroni("start").returncode != 0:
            problems.append("the killed server does not come back")
        counts["failover"] += 1


class Witness:
    """Keeps what servers have told of runs' events, to compare it with what is there in the end."""

    def __init__(self, cluster, runs):
        self.cluster, self.runs, self.seen, self.ended = cluster, runs, {}, threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.ended.wait(0.05):
            identity = random.choice(self.runs)[0]
            try:
                events = events_of(random.choice(self.cluster.nodes).ask(f"/api/runs/{identity}/events", timeout=2))
            except Exception:
                continue
            if len(events) > len(self.seen.get(identity, [])):
                self.seen[identity] = events

    def end(self):
        self.ended.set()
        self.thread.join()


def events_of(answer):
    return answer if isinstance(answer, list) else answer.get("events", answer.get("items", []))


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
    if sum(is_over(event) for event in events) != 1:
        yield "it does not end exactly once"


def is_over(event):
    return event["type"] in ("workflow:success", "workflow:error", "workflow:cancelled")


def faults_of_undoing(events):
    """What a run of `trip` has undone but not once each, in reverse order."""
    undone = [event["path"] for event in events if event["type"] == "step:compensate:success"]
    if undone != EXPECTED["trip"](0):
        yield f"it has undone {undone}"


def most_at_once(events_of_runs):
    """How many runs were under way at once at most, from their start to their end."""
    changes = []
    for events in events_of_runs:
        changes.append((next(event["timestamp"] for event in events if event["type"] == "workflow:start"), 1))
        changes.append((next(event["timestamp"] for event in events if is_over(event)), -1))
    # Of changes in the same millisecond the end comes first.
    most = count = 0
    for _, change in sorted(changes):
        count += change
        most = max(most, count)
    return most


def faults_of_schedule(runs):
    """Times of a schedule that have no run, from the first that has one to the last."""
    times = sorted(
        datetime.datetime.strptime(run["runId"].rsplit("~", 1)[1], "%Y%m%dT%H%M%SZ") for run in runs)
    if len(times) < 5:
        yield f"the schedule has begun only {len(times)} runs"
    for one, other in zip(times, times[1:]):
        if (other - one).total_seconds() != 2:
            yield f"the schedule has begun a run at {one} and then none before {other}"
    for run in runs:
        if run["status"] != "success":
            yield f"{run['runId']} of the schedule is {run['status']}"


def wait_for_end(binary, store):
    """The runs of the schedule, once all are over."""
    end = time.monotonic() + 60
    while True:
        listed = subprocess.run(
            [binary, "runs", "list", "--workflow", "ticker", "--json", "--limit", "100000", "--store", store],
            capture_output=True, text=True)
        runs = json.loads(listed.stdout or "[]")
        if time.monotonic() > end or runs and all(run["status"] == "success" for run in runs):
            return runs
        time.sleep(0.5)


def faults_of_copies(binary, store, folder):
    """What is different in a copy of a copy of the store, made while the servers stand idle."""
    administrate(store, "CREATE DATABASE copied")
    file, copied = str(folder / "copied.db"), store.rsplit("/", 1)[0] + "/copied"
    for source, target in ((store, file), (file, copied)):
        done = subprocess.run([binary, "store", "migrate", source, target], capture_output=True, text=True)
        if done.returncode != 0:
            yield f"the store is not copied to {target}: {done.stderr}"
            return

    def content(place):
        listed = subprocess.run(
            [binary, "runs", "list", "--json", "--limit", "100000", "--store", place], capture_output=True, text=True)
        return {run["runId"]: (run["workflowId"], run["status"], run["startedAt"], run["events"])
                for run in json.loads(listed.stdout or "[]")}

    original, copy = content(store), content(copied)
    for identity in original.keys() | copy.keys():
        if original.get(identity) != copy.get(identity):
            yield f"{identity} is {original.get(identity)} and {copy.get(identity)} in its copy"
    check = subprocess.run([binary, "runs", "check", "--store", copied], capture_output=True, text=True)
    if check.returncode != 0:
        yield "the copy is damaged: " + check.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--failovers", type=int, default=0)
    options = parser.parse_args()
    random.seed(1)

    folder = pathlib.Path(tempfile.mkdtemp(prefix="aikit-lua-nodes-"))
    script = folder / "cluster.lua"
    script.write_text(SCRIPT)
    administrate(
        options.address, "CREATE ROLE app LOGIN", "CREATE DATABASE nodes OWNER app")
    owner = options.address.rsplit("/", 1)[0] + "/nodes"
    store = owner.replace("://aikit@", "://app@")
    nodes = [Node(number, free_port(), options.binary, store, script, folder) for number in range(3)]
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
    problems = []
    if options.failovers:
        disturbing = threading.Thread(target=fail_over, args=(cluster, options.failovers, counts, problems))
    else:
        disturbing = threading.Thread(target=disturb, args=(nodes, owner, options.seconds, counts))
    disturbing.start()

    kinds = list(EXPECTED)
    runs = [(f"run-{number}", kinds[number % len(kinds)], number) for number in range(options.runs)]
    pause = options.seconds / max(len(runs), 1) * 0.8
    witness = Witness(cluster, runs)

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
    witness.end()

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
                result, wanted = shown.get("result"), "success"
                if workflow == "trip":
                    result, wanted = shown.get("error", {}).get("compensation", {}).get("undone"), "failed"
                if status != wanted or result != EXPECTED[workflow](number):
                    problems.append(f"{identity} ({workflow}) is {status}: {json.dumps(shown)[:300]}")
                del waiting[identity]
            elif workflow == "signalled" and status == "waiting":
                # Whoever sent the signal may have had no answer to it.
                cluster.ask(f"/api/runs/{identity}/signals/go", {"data": {"add": number + 1000}})
        time.sleep(0.3)
    for identity in waiting:
        problems.append(f"{identity} has not ended: {json.dumps(cluster.ask('/api/runs/' + identity))[:300]}")

    limited = collections.defaultdict(list)
    for identity, workflow, number in runs:
        answer = cluster.ask(f"/api/runs/{identity}/events")
        events = events_of(answer)
        if events[:len(witness.seen.get(identity, []))] != witness.seen.get(identity, []):
            problems.append(f"{identity} has lost events that a server has told of")
        if not events:
            problems.append(f"{identity} has no events: {str(answer)[:200]}")
        problems.extend(f"{identity}: {fault}" for fault in faults_of(events))
        if workflow == "trip":
            problems.extend(f"{identity}: {fault}" for fault in faults_of_undoing(events))
        if workflow == "limited" and identity not in waiting and events:
            limited[number % KEYS].append(events)
    most = {key: most_at_once(runs) for key, runs in limited.items()}
    problems.extend(f"{count} runs of key-{key} were under way at once" for key, count in most.items() if count > LIMIT)

    # No time of the schedule comes while the store is copied.
    cluster.ask("/api/schedules/ticker:tick/pause", {})
    ticks = wait_for_end(options.binary, store)
    problems.extend(faults_of_schedule(ticks))
    problems.extend(faults_of_copies(options.binary, owner, folder))

    for node in nodes:
        node.send(signal.SIGTERM)
    for node in nodes:
        try:
            node.process.wait(20)
        except subprocess.TimeoutExpired:
            node.send(signal.SIGKILL)
            problems.append(f"node {node.number} does not end")
    check = subprocess.run(
        [options.binary, "runs", "check", "--store", store], capture_output=True, text=True)
    logs = "".join((folder / f"node-{node.number}.log").read_text(errors="replace") for node in nodes)
    if counts["full"] and "takes no more connections" not in logs:
        problems.append("no server says that the database takes no more connections")
    if check.returncode != 0:
        problems.append("the store is damaged: " + check.stderr)

    print(
        f"{len(runs)} runs, {dict(statuses)}; {dict(counts)}; {sum(map(len, witness.seen.values()))} events told of while they "
        f"ran are there; at most {max(most.values(), default=0)} of {LIMIT} runs of a key at once; "
        f"{len(ticks)} times of a schedule", file=sys.stderr)
    for problem in problems[:40]:
        print("✗ " + problem, file=sys.stderr)
    if problems:
        for node in nodes:
            print(f"--- node {node.number}", file=sys.stderr)
            print("\n".join((folder / f"node-{node.number}.log").read_text(errors="replace").splitlines()[-25:]), file=sys.stderr)
        sys.exit(1)


main()
