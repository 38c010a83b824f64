#!/usr/bin/env python3
"""Damages stores and uses each by commands of the program:

  scripts/torture-stores.py [--stores N] [--seed N] [--keep DIR]

A base store holds runs of every status. Each seed damages a copy of it: bytes, pages, the length of the file, or a
value of one row, whose run is known. Then some commands use the copy. None may end by a signal, hang, or have a status
that none has; and where the damage concerns one run, the others still show and go on. AIKIT_LUA_BINARY names the program.
"""
import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("AIKIT_LUA_BINARY", os.path.join(REPOSITORY, ".build/debug/aikit-lua"))
PATIENCE = 30
STATUSES = {0, 1, 2, 3}

SCRIPT = """
local aikit = require "aikit"
return aikit.workflow { id = "base" }
  :step { id = "first", handler = function(input, context)
    context.store.seen = { n = input.n }
    context:emit { type = "seen", data = { n = input.n } }
    if input.kind == "fails" then error("as asked") end
    return input
  end }
  :branch { id = "kind", resolve = function(input) return input.kind end, cases = {
    asks = { aikit.human { id = "ask", response_schema = { type = "object" } } },
    waits = { aikit.wait_for { id = "event", event = "go" } },
    naps = { aikit.delay { id = "nap", duration = "30d" } },
    ends = { { id = "end", handler = function(input) return { n = input.n } end } } } }
  :foreach { id = "each", items = function() return { 1, 2, 3 } end,
    step = { id = "one", handler = function(n) return n end } }
  :commit()
"""
KINDS = ["ends", "fails", "asks", "waits", "naps", "asks", "waits", "ends"]
ODD = [
    None, "", "text", b"", b"\x00\xff\x07", b"\x00" * 70000,
    0, 1, -1, 99, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63), 1.5,
]


def run(folder, *words):
    process = subprocess.run([PROGRAM, *words], cwd=folder, capture_output=True, timeout=PATIENCE)
    return process.returncode, process.stdout, process.stderr


def make_base(folder):
    with open(os.path.join(folder, "base.lua"), "w") as file:
        file.write(SCRIPT)
    for number, kind in enumerate(KINDS):
        given = json.dumps({"n": number, "kind": kind})
        words = ["run", "base.lua", "--detach", "--store", "base.db", "--run-id", f"r{number}", "--input", given]
        status, _, errors = run(folder, *words)
        if status not in (0, 1, 3):
            sys.exit(f"the base store cannot be made: {errors.decode()}")


def edit_row(path, chance):
    """Sets one value of one row; the ids of the runs that it concerns, None for all."""
    store = sqlite3.connect(path)
    try:
        tables = ["runs", "entries", "entries", "runs", "generation_files", "contents", "owners", "inbox"]
        known = {
            name for name, text in store.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            if "WITHOUT ROWID" not in text.upper()
        }
        table = chance.choice([name for name in tables if name in known])
        columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
        rows = [row[0] for row in store.execute(f"SELECT rowid FROM {table}")]
        if not rows:
            return []
        row, column = chance.choice(rows), chance.choice(columns)
        names = dict(store.execute("SELECT row, id FROM runs"))
        concerned = None
        if table == "runs":
            concerned = [names.get(row)]
        elif table == "entries":
            # Which run the entry belonged to, and which it belongs to now.
            concerned = [names.get(store.execute("SELECT run FROM entries WHERE rowid = ?", (row,)).fetchone()[0])]
        value = chance.choice(ODD)
        try:
            store.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row))
        except sqlite3.Error:
            return []
        if table == "entries" and column in ("run", "id", "previous"):
            concerned = None
        if table == "runs" and column == "row":
            concerned = None
        store.commit()
        return concerned
    finally:
        store.close()


def damage(path, chance):
    """Damages the file in one way; what it was, and the runs that it concerns (None for all, empty for none)."""
    kind = chance.choice(["row", "row", "row", "bytes", "bits", "page", "swap", "cut", "zero", "grow"])
    if kind == "row":
        return kind, edit_row(path, chance)
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        pages = len(data) // 4096
        if kind in ("bytes", "bits"):
            for _ in range(chance.randint(1, 6)):
                place = chance.randrange(len(data))
                data[place] = chance.randrange(256) if kind == "bytes" else data[place] ^ 1 << chance.randrange(8)
        elif kind in ("page", "zero"):
            start = chance.randrange(pages) * 4096
            data[start:start + 4096] = bytes(4096) if kind == "zero" else chance.randbytes(4096)
        elif kind == "swap":
            first, second = chance.randrange(pages) * 4096, chance.randrange(pages) * 4096
            data[first:first + 4096], data[second:second + 4096] = data[second:second + 4096], data[first:first + 4096]
        elif kind == "cut":
            del data[chance.randrange(len(data)):]
        else:
            data += chance.randbytes(chance.randrange(1, 20000))
        file.seek(0)
        file.truncate()
        file.write(data)
    return kind, None


def words_on(number):
    """What moves a run on that waits; None for one that does not wait for anybody."""
    if KINDS[number] == "asks":
        return ["resume", f"r{number}", "--data", '{"ok":true}']
    if KINDS[number] == "waits":
        return ["signal", f"r{number}", "go", "--data", "1"]
    return None


def commands(chance):
    number = chance.randrange(len(KINDS))
    name = f"r{number}"
    every = [
        ["runs", "list", "--json"], ["runs", "check"], ["runs", "show", name], ["runs", "events", name],
        ["runs", "show", name, "--json"], ["runs", "recover", "--timeout", "2s"], ["runs", "retry", name, "--detach"],
        ["runs", "fork", name, "--from", "first", "--detach"], ["runs", "cancel", name], ["runs", "prune"],
        ["runs", "verify", name], ["store", "stats"], ["graph", "--run", name],
        ["run", "base.lua", "--detach", "--input", '{"n":1,"kind":"ends"}'],
        words_on(number) or ["runs", "check", "--json"],
    ]
    return chance.sample(every, 2)


def look(folder, seed, others):
    """What is wrong with the runs that the damage does not concern."""
    for number in others:
        status, _, errors = run(folder, *(words_on(number) or ["runs", "show", f"r{number}"]), "--store", "store.db")
        if status != 0:
            said = errors.decode(errors="replace")[-300:]
            yield f"seed {seed}: r{number} ({KINDS[number]}) was not concerned: status {status} {said}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--stores", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", help="a folder for the stores that something was found with")
    options = options.parse_args()
    found, kinds = [], {}
    with tempfile.TemporaryDirectory() as folder:
        make_base(folder)
        for seed in range(options.seed, options.seed + options.stores):
            chance = random.Random(seed)
            path = os.path.join(folder, "store.db")
            for suffix in ("", "-wal", "-shm", "-owners"):
                if os.path.exists(path + suffix):
                    os.remove(path + suffix)
            shutil.copy(os.path.join(folder, "base.db"), path)
            kind, concerned = damage(path, chance)
            kinds[kind] = kinds.get(kind, 0) + 1
            damaged = path + "-damaged"
            shutil.copy(path, damaged)
            problems = []
            for words in commands(chance):
                if concerned is not None and words[1] in ("prune", "cancel", "recover"):
                    continue
                try:
                    status, _, errors = run(folder, *words, "--store", "store.db")
                except subprocess.TimeoutExpired:
                    problems.append(f"seed {seed} ({kind}): {' '.join(words)} does not end")
                    continue
                if status not in STATUSES:
                    said = errors.decode(errors="replace")[-300:]
                    problems.append(f"seed {seed} ({kind}): {' '.join(words)}: status {status} {said}")
            if concerned is not None and not problems:
                # From the damage on, without what the commands above did.
                for suffix in ("-wal", "-shm", "-owners"):
                    if os.path.exists(path + suffix):
                        os.remove(path + suffix)
                shutil.copy(damaged, path)
                others = [number for number in range(len(KINDS)) if f"r{number}" not in concerned]
                problems += look(folder, seed, chance.sample(others, min(2, len(others))))
            for problem in problems:
                print(problem, flush=True)
                if options.keep:
                    os.makedirs(options.keep, exist_ok=True)
                    shutil.copy(damaged, os.path.join(options.keep, f"{seed}.db"))
            found += problems
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"{options.stores} stores ({counts}): {len(found)} problems")
    sys.exit(1 if found else 0)


main()
