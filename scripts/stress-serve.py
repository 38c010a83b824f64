#!/usr/bin/env python3
"""Ends `aikit-lua serve` again and again under many clients, and checks that nothing is lost and nothing comes twice.

    scripts/stress-serve.py PROGRAM [--clients 200] [--seconds 20] [--seed N]

Clients start runs, follow their events over reconnects, answer the steps that wait for a person, and cancel. Meanwhile the
server is killed (SIGKILL) or told to end (SIGTERM) at random moments and started again on the same store. What has to hold:

- a run that was accepted is there, and comes to the end that its input leads to;
- a client that reconnects with Last-Event-ID has every event of the store once and in order;
- a step succeeds once, and an answer counts once;
- after SIGTERM every answer that had begun is complete, and the server exits with 0 within its grace.

Prints figures, and exits with 1 if anything did not hold.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time

from stress_common import free_port

SCRIPTS = {
    "quick.lua": """
local aikit = require "aikit"
local function step(id, body)
  return { id = id, handler = function(input, context)
    aikit.sleep("10ms")
    context:emit { type = "at", data = id }
    return body(input)
  end }
end
return aikit.workflow { id = "quick" }
  :step(step("double", function(input) return { n = input.n * 2 } end))
  :step(step("more", function(input) return { n = input.n + 1 } end))
  :step(step("last", function(input) return { n = input.n * 10 } end))
  :commit()
""",
    "ask.lua": """
local aikit = require "aikit"
local s = aikit.schema
return aikit.workflow { id = "ask" }
  :step { id = "prepare", handler = function(input) aikit.sleep("5ms") return input end }
  :human { id = "approve", output = function(input) return input end, response_schema = s.object { add = s.integer() } }
  :step { id = "sum", handler = function(answer, context)
    aikit.sleep("5ms")
    return { n = context.initial_input.n + answer.add }
  end }
  :commit()
""",
}

GRACE = 10.0


class Broken(Exception):
    """The connection ended before the answer did; `begun` tells whether some of the answer had come."""

    def __init__(self, begun):
        super().__init__("connection ended")
        self.begun = begun


class Connection:
    """One request over one connection."""

    def __init__(self, port):
        self.port = port
        self.begun = False

    async def open(self, method, path, body=None, headers=()):
        try:
            self.reader, self.writer = await asyncio.wait_for(
                asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20), 20)
            text = json.dumps(body).encode() if body is not None else b""
            lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(text)}", "Connection: close"]
            if body is not None:
                lines.append("Content-Type: application/json")
            lines += [f"{name}: {value}" for name, value in headers]
            self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
            await self.writer.drain()
            status = await self.line()
            self.begun = True
            self.status = int(status.split()[1])
            self.headers = {}
            while line := await self.line():
                name, value = line.split(":", 1)
                self.headers[name.lower()] = value.strip()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, IndexError) as error:
            self.close()
            raise Broken(self.begun) from error
        return self

    async def line(self):
        line = await asyncio.wait_for(self.reader.readline(), 60)
        if not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        return line.decode().rstrip("\r\n")

    async def chunks(self):
        """The pieces of the body, to its proper end."""
        try:
            if self.headers.get("transfer-encoding") != "chunked":
                length = int(self.headers.get("content-length", "0"))
                yield await asyncio.wait_for(self.reader.readexactly(length), 60)
                return
            while size := int(await self.line(), 16):
                yield await asyncio.wait_for(self.reader.readexactly(size), 60)
                await self.line()
            await self.line()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError) as error:
            raise Broken(True) from error
        finally:
            self.close()

    def close(self):
        writer = getattr(self, "writer", None)
        if writer:
            writer.close()


class Storm:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.folder = tempfile.mkdtemp(prefix="aikit-stress-")
        for name, text in SCRIPTS.items():
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)
        self.port = free_port()
        self.log = open(os.path.join(self.folder, "serve.log"), "ab")
        self.accepted = {}
        self.faults = []
        self.count = dict.fromkeys(["runs", "frames", "reconnects", "kills", "terms", "cancelled", "answered"], 0)
        self.isEnding = False
        self.isTerminating = False
        self.slowest = 0.0
        self.number = 0

    def fault(self, text):
        self.faults.append(text)
        if len(self.faults) <= 20:
            print("FAULT", text, flush=True)

    # The server

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            self.options.program, "serve", ".", "--port", str(self.port), "--store", "runs.db", "--grace", f"{int(GRACE)}s",
            cwd=self.folder, stdout=self.log, stderr=self.log)
        began = time.monotonic()
        while time.monotonic() - began < 30:
            try:
                connection = await Connection(self.port).open("GET", "/health/ready")
                async for _ in connection.chunks():
                    pass
                if connection.status == 200:
                    return
            except Broken:
                pass
            if self.process.returncode is not None:
                self.fault(f"the server did not start: status {self.process.returncode}")
                return
            await asyncio.sleep(0.02)
        self.fault("the server was not ready within 30 s")

    async def end(self):
        if self.random.random() < 0.3:
            await self.terminate()
        else:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            self.count["kills"] += 1

    async def terminate(self):
        self.isTerminating = True
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = await asyncio.wait_for(self.process.wait(), GRACE + 5)
            took = time.monotonic() - began
            self.slowest = max(self.slowest, took)
            if status != 0:
                self.fault(f"SIGTERM: exit status {status}")
            if took > GRACE + 1:
                self.fault(f"SIGTERM: took {took:.1f} s")
        except asyncio.TimeoutError:
            self.fault("SIGTERM: did not end")
            self.process.kill()
            await self.process.wait()
        self.count["terms"] += 1
        # What the kernel still delivers of the answers is read before another ending is allowed to cut one off.
        await asyncio.sleep(0.1)
        self.isTerminating = False

    async def torment(self):
        end = time.monotonic() + self.options.seconds
        while time.monotonic() < end:
            await asyncio.sleep(self.random.uniform(0.3, 2.0))
            await self.end()
            await self.start()
        self.isEnding = True

    # Clients

    async def ask(self, method, path, body=None):
        """A request that is repeated until it has an answer."""
        while True:
            try:
                connection = await Connection(self.port).open(method, path, body)
                text = b""
                async for chunk in connection.chunks():
                    text += chunk
                if connection.status != 503:
                    return connection.status, json.loads(text) if text else None
            except Broken as broken:
                self.noteBroken(broken, f"{method} {path}")
            await asyncio.sleep(self.random.uniform(0.02, 0.1))

    def noteBroken(self, broken, what):
        self.count["reconnects"] += 1
        if broken.begun and self.isTerminating:
            self.fault(f"SIGTERM: the answer to {what} was cut off")

    async def client(self):
        while not self.isEnding:
            self.number += 1
            number = self.number
            kind = self.random.choice(["quick", "ask", "ask"])
            run = f"{kind}-{number}"
            status, answer = await self.ask(
                "POST", f"/api/workflows/{kind}/runs", {"inputData": {"n": number}, "runId": run})
            if status not in (200, 202):
                self.fault(f"{run}: start was answered with {status}: {answer}")
                continue
            self.accepted[run] = number
            self.count["runs"] += 1
            await self.follow(run, kind, number)

    async def follow(self, run, kind, number):
        seen, last, answering, cancels = [], 0, None, self.random.random() < 0.2
        result = None
        while result is None:
            try:
                connection = await Connection(self.port).open(
                    "GET", f"/api/runs/{run}/events", None,
                    [("Accept", "text/event-stream")] + ([("Last-Event-ID", last)] if last else []))
                if connection.status != 200:
                    async for _ in connection.chunks():
                        pass
                    if connection.status != 503:
                        self.fault(f"{run}: stream was answered with {connection.status}")
                    await asyncio.sleep(0.05)
                    continue
                async for frame in frames(connection):
                    self.count["frames"] += 1
                    if "id" in frame:
                        sequence = int(frame["id"])
                        if sequence <= last:
                            self.fault(f"{run}: event {sequence} came after {last}")
                        last = sequence
                        seen.append((sequence, frame["event"], frame["data"].get("path")))
                    if frame["event"] == "step:human:requested" and answering is None:
                        answering = asyncio.ensure_future(self.cancel(run) if cancels else self.answer(run))
                    if frame["event"] == "result":
                        result = frame["data"]["result"]
            except Broken as broken:
                self.noteBroken(broken, f"the stream of {run}")
                await asyncio.sleep(self.random.uniform(0.01, 0.05))
        if answering:
            await answering
        await self.check(run, kind, number, seen, result)

    async def answer(self, run):
        status, answer = await self.ask("POST", f"/api/tasks/{run}/approve?wait=0s", {"data": {"add": 5}})
        # 409: an earlier request, whose answer was lost, has been taken.
        if status not in (200, 202, 409):
            self.fault(f"{run}: answer was answered with {status}: {answer}")
        self.count["answered"] += 1

    async def cancel(self, run):
        status, answer = await self.ask("POST", f"/api/runs/{run}/cancel")
        if status not in (200, 409):
            self.fault(f"{run}: cancel was answered with {status}: {answer}")
        self.count["cancelled"] += 1

    async def check(self, run, kind, number, seen, result):
        status, listed = await self.ask("GET", f"/api/runs/{run}/events")
        stored = [(e["sequence"], e["type"], e.get("path")) for e in listed["events"]] if status == 200 else None
        if stored != seen:
            self.fault(f"{run}: streamed {seen}, stored {stored}")
        succeeded = [path for _, name, path in seen if name == "step:success"]
        if len(set(succeeded)) != len(succeeded):
            self.fault(f"{run}: a step succeeded twice: {succeeded}")
        self.judge(run, kind, number, result)

    def judge(self, run, kind, number, result):
        wanted = {"n": (number * 2 + 1) * 10} if kind == "quick" else {"n": number + 5}
        if result["status"] == "success":
            if result["result"] != wanted:
                self.fault(f"{run}: came to {result['result']}, not {wanted}")
        elif result["status"] != "cancelled" or kind == "quick":
            self.fault(f"{run}: ended {result['status']}: {result.get('error')}")

    async def storm(self):
        await self.start()
        began = time.monotonic()
        clients = [asyncio.ensure_future(self.client()) for _ in range(self.options.clients)]
        await self.torment()
        done, late = await asyncio.wait(clients, timeout=90)
        for task in late:
            task.cancel()
        if late:
            self.fault(f"{len(late)} clients did not come to their end")
        for task in done:
            if task.exception():
                self.fault(f"a client failed: {task.exception()!r}")
        took = time.monotonic() - began
        for run, number in self.accepted.items():
            status, found = await self.ask("GET", f"/api/runs/{run}")
            if status != 200:
                self.fault(f"{run} was accepted and is lost: {status}")
            else:
                self.judge(run, run.split("-")[0], number, found)
        await self.terminate()
        figures = ", ".join(f"{value} {name}" for name, value in self.count.items())
        print(f"{self.options.clients} clients, {took:.0f} s: {figures}; SIGTERM took {self.slowest:.1f} s at most")
        if self.faults:
            print(f"{len(self.faults)} faults; the log is {self.folder}/serve.log; seed {self.options.seed}")
            sys.exit(1)


async def frames(connection):
    """The events of a stream."""
    text = ""
    async for chunk in connection.chunks():
        text += chunk.decode()
        while "\n\n" in text:
            block, text = text.split("\n\n", 1)
            frame = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
            if "data" in frame:
                frame["data"] = json.loads(frame["data"])
                yield frame


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    asyncio.run(Storm(options).storm())


if __name__ == "__main__":
    main()
