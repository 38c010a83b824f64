#!/usr/bin/env python3
"""Restarts a run very many times, and checks that neither its journals nor the memory of the process grow with the number.

    scripts/stress-restart.py PROGRAM [--generations 100000] [--store memory|sqlite] [--slack 48]

A run counts up and calls `context:restart` for each number. With a SQLite store, `aikit-lua runs prune` removes what is over every
second, as a deployment does. What has to hold:

- the last run of the chain has seen each number before it, and the run ends well;
- the process needs at most `--slack` MiB more at its end than after a tenth of the generations;
- the journal of a late run is no longer than that of an early one;
- with a store, the store is no larger at the end than after a tenth, but for the same slack.

Prints figures, and exits with 1 if anything did not hold.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

SCRIPT = """
local aikit = require "aikit"
return aikit.workflow { id = "chain", ctx = { seen = 0 } }
  :step { id = "count", handler = function(input, context)
    context:update_ctx(function(ctx) ctx.seen = ctx.seen + 1; return ctx end)
    if input.n < input.last then context:restart { n = input.n + 1, last = input.last } end
    return { n = input.n, seen = context.ctx.seen }
  end }
  :commit()
"""


def resident(pid):
    """The resident memory of a process in MiB; 0 once it has ended."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024
    except (OSError, AttributeError):
        return 0


def size(store):
    """The bytes of a store and its log in MiB."""
    names = [store, store + "-wal"]
    return sum(os.path.getsize(name) for name in names if os.path.exists(name)) / (1 << 20)


class Chain:
    """A run that restarts, what its process tells of it, and what that takes."""

    def __init__(self, program, folder, store, last):
        self.store = None if store == "memory" else os.path.join(folder, "chain.db")
        self.program, self.generation, self.samples = program, 1, []
        self.process = subprocess.Popen(
            [program, "run", "chain.lua", "--run-id", "c", "--store", self.store or "memory", "--input",
             json.dumps({"n": 1, "last": last})],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            found = re.search(r"goes on as c~(\d+)", line)
            if found:
                self.generation = int(found.group(1))

    def sample(self):
        if memory := resident(self.process.pid):
            self.samples.append((self.generation, memory, size(self.store) if self.store else 0))

    def prune(self):
        if not self.store:
            return
        command = [self.program, "runs", "prune", "--store", self.store, "--status", "success", "--keep", "10"]
        subprocess.run(command, capture_output=True, check=False)

    def finish(self):
        output = self.process.stdout.read()
        self.reader.join()
        return self.process.wait(), output


def journal(program, store, run):
    """How many events a run has recorded."""
    answer = subprocess.run(
        [program, "runs", "events", run, "--store", store], capture_output=True, text=True, check=False)
    return len(answer.stdout.splitlines())


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("program")
    parser.add_argument("--generations", type=int, default=100_000)
    parser.add_argument("--store", choices=["memory", "sqlite"], default="memory")
    parser.add_argument("--slack", type=float, default=48)
    options = parser.parse_args()
    last, faults = options.generations, []
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "chain.lua"), "w") as script:
            script.write(SCRIPT)
        began = time.monotonic()
        chain = Chain(os.path.abspath(options.program), folder, options.store, last)
        while chain.process.poll() is None:
            chain.sample()
            chain.prune()
            time.sleep(0.2 if chain.store is None else 1)
        status, output = chain.finish()
        seconds = time.monotonic() - began
        if status != 0 or f'"n": {last}' not in output or f'"seen": {last}' not in output:
            faults.append(f"the chain ended with status {status}: {output.strip()}")
        early = [sample for sample in chain.samples if sample[0] >= last // 10] or chain.samples
        print(f"{last} generations in {seconds:.1f} s ({last / seconds:.0f} a second)")
        for name, index in (("memory", 1), ("store", 2)):
            grown = early[-1][index] - early[0][index] if early else 0
            peak = max((sample[index] for sample in early), default=0)
            print(f"{name}: {early[0][index]:.1f} MiB after a tenth, {early[-1][index]:.1f} at the end, {peak:.1f} at most")
            if grown > options.slack:
                faults.append(f"{name} has grown by {grown:.1f} MiB")
        if chain.store:
            late, later = (journal(chain.program, chain.store, f"c~{number}") for number in (last - 2, last - 1))
            print(f"journal: {late} and {later} events in two runs near the end")
            if late != later or late == 0:
                faults.append("runs of the chain record more and more")
    for fault in faults:
        print(f"did not hold: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
