#!/usr/bin/env python3
"""Treats `aikit-lua serve` badly in every way that a client can, and checks that it goes on answering others.

    scripts/abuse-serve.py PROGRAM [--connections 5000] [--reconnects 10000]

After each kind of abuse an ordinary client has to be answered at once; at the end the process holds no more file descriptors
than before, and its memory has a bound. Prints a line a kind, and exits with 1 if anything did not hold.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from stress_common import free_port

SCRIPT = """
local aikit = require "aikit"
return aikit.workflow { id = "echo" }
  :step { id = "one", handler = function(input) return input end }
  :commit()
"""

problems = []


def check(what, holds, detail=""):
    print(f"{'ok  ' if holds else 'FAIL'}  {what}{': ' + str(detail) if detail != '' else ''}", flush=True)
    if not holds:
        problems.append(what)


class Server:
    def __init__(self, program, folder, *options):
        self.port = free_port()
        self.log = open(os.path.join(folder, f"serve-{self.port}.log"), "wb")
        self.process = subprocess.Popen(
            [program, "serve", ".", "--port", str(self.port), "--no-watch", *options], cwd=folder, stdout=self.log, stderr=self.log)
        for _ in range(1000):
            try:
                if self.get("/health/ready")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        sys.exit(f"the server did not start; its log is {self.log.name}")

    def get(self, path, token=None, body=None, timeout=10):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def memory(self):
        """Resident memory in kilobytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def answers(self, what, token=None):
        """Others are answered, and soon."""
        if self.process.poll() is not None:
            sys.exit(f"the server is gone after {what}: status {self.process.returncode}; its log is {self.log.name}")
        began = time.monotonic()
        try:
            status, _ = self.get("/api/workflows/echo/run", token, b'{"inputData":{"n":1}}')
        except OSError as error:
            status = error
        took = time.monotonic() - began
        check(f"{what}: others are answered", status == 200 and took < 5, f"{status} in {took * 1000:.0f} ms")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def raw(self, data, timeout=10, half_close=False):
        """What the server says to bytes, until it closes or has said nothing more for a moment."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as client:
            answer = b""
            try:
                client.sendall(data)
                if half_close:
                    client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            try:
                while True:
                    client.settimeout(timeout if not answer else 0.5)
                    piece = client.recv(1 << 16)
                    if not piece:
                        return answer, True
                    answer += piece
            except (TimeoutError, socket.timeout):
                return answer, False
            except OSError:
                return answer, True


def status(answer):
    try:
        return int(answer.split(b" ", 2)[1])
    except (IndexError, ValueError):
        return None


def refused(answer, closed, *statuses):
    """Answered with one of the statuses, or cut off."""
    return status(answer) in statuses or (closed and not answer)


def head(path="/api/version", method="GET", *lines, version="HTTP/1.1"):
    return "\r\n".join([f"{method} {path} {version}", "Host: x", *lines, "", ""]).encode()


def odd_requests(server):
    for name, path in [
        ("path traversal", "/../../../../etc/passwd"), ("escaped traversal", "/%2e%2e/%2e%2e/etc/passwd"),
        ("traversal in an id", "/api/workflows/..%2f..%2fetc%2fpasswd"), ("double slashes", "//etc//passwd"),
        ("a zero byte in an id", "/api/runs/%00"), ("a zero byte in a path", "/%00"), ("half an escape", "/api/runs/%4"),
        ("bytes that are no UTF-8", "/api/runs/%ff%fe"), ("a dot", "/api/runs/."), ("a question mark alone", "/api/runs/x?"),
    ]:
        answer, _ = server.raw(head(path, "GET", "Connection: close"))
        check(name, status(answer) in (400, 404) and b"root:" not in answer, status(answer))
    for size in [100_000, 10_000_000]:
        answer, closed = server.raw(head("/" + "a" * size))
        check(f"an address of {size} bytes", refused(answer, closed, 400, 404, 414, 431), status(answer))
    answer, closed = server.raw(head("/api/version", "GET", *[f"X-{n}: {n}" for n in range(5000)]))
    check("5,000 headers", refused(answer, closed, 400, 431), status(answer))
    answer, closed = server.raw(head("/api/version", "GET", "X-Long: " + "a" * 1_000_000))
    check("a header of a megabyte", refused(answer, closed, 400, 431), status(answer))
    answer, closed = server.raw(b"GET /api/version HTTP/1.1\r\n" + b"X: y\r\n" * 500_000)
    check("headers without an end", refused(answer, closed, 400, 431), status(answer))
    answer, closed = server.raw(os.urandom(4096) + b"\r\n\r\n")
    check("noise", refused(answer, closed, 400), status(answer))
    answer, closed = server.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 600)
    check("TLS where there is none", refused(answer, closed, 400), status(answer))
    answer, closed = server.raw(head("/api/version", "GET", version="HTTP/1.0"), timeout=5)
    check("HTTP/1.0", status(answer) == 200 and closed, f"{status(answer)}, {'closed' if closed else 'left open'}")
    answer, closed = server.raw(head("/api/runs/x", "GET", version="HTTP/9.9"), timeout=5)
    check("HTTP/9.9", refused(answer, closed, 400, 404, 505), status(answer))
    answer, _ = server.raw(head("/api/version", "GET", "Connection: close"), half_close=True)
    check("a client that has closed its side", status(answer) == 200, status(answer))
    answer, _ = server.raw(head() * 100 + head("/api/version", "GET", "Connection: close"), timeout=20)
    check("101 requests in one piece", answer.count(b"HTTP/1.1 200") == 101, answer.count(b"HTTP/1.1 200"))
    answer, _ = server.raw(
        head("/api/events", "GET", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
    check("an upgrade to WebSocket", status(answer) not in (None, 101), status(answer))
    answer, _ = server.raw(head("/api/version", "PURGE", "Connection: close"))
    check("a method that nobody knows", status(answer) in (405, 501), status(answer))
    server.answers("odd requests")


def odd_bodies(server):
    post = "/api/workflows/echo/run"
    json_type = "Content-Type: application/json"
    answer, closed = server.raw(head(post, "POST", json_type, f"Content-Length: {1 << 40}") + b"{")
    check("a body that is announced too large", refused(answer, closed, 413), status(answer))
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    answer, closed = server.raw(head(post, "POST", json_type, "Transfer-Encoding: chunked") + chunk * 24)
    check("a body in chunks that grows too large", refused(answer, closed, 413), status(answer))
    for name, lines, body in [
        ("a chunk size that is no number", ["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n"),
        ("a chunk size below zero", ["Transfer-Encoding: chunked"], b"-1\r\n{}\r\n0\r\n\r\n"),
        ("a chunk size out of range", ["Transfer-Encoding: chunked"], b"fffffffffffffffffffff\r\n{}"),
        ("chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: 3"], b"2\r\n{}\r\n0\r\n\r\n"),
        ("two lengths", ["Content-Length: 2", "Content-Length: 3"], b"{}"),
        ("a length below zero", ["Content-Length: -1"], b"{}"),
        ("a length that is no number", ["Content-Length: two"], b"{}"),
        ("a coding that nobody knows", ["Transfer-Encoding: gzip"], b"{}"),
    ]:
        answer, closed = server.raw(head(post, "POST", json_type, *lines) + body, timeout=5)
        check(name, refused(answer, closed, 400, 411, 501), status(answer))
    for name, body in [
        ("a body of 100,000 brackets", b"[" * 100_000), ("a number of a megabyte", b'{"inputData":' + b"9" * 1_000_000 + b"}"),
        ("a body that is no UTF-8", b'{"inputData":"\xff\xfe"}'),
    ]:
        answer, _ = server.raw(head(post, "POST", json_type, f"Content-Length: {len(body)}", "Connection: close") + body)
        check(name, status(answer) in (200, 400), status(answer))
    server.answers("odd bodies")


async def connect(server, data=b""):
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", server.port), 30)
    if data:
        writer.write(data)
        await writer.drain()
    return reader, writer


async def crowd(server, count, data):
    """Many connections at a time that have sent something and no more."""
    open_ones = []
    for first in range(0, count, 100):
        open_ones += await asyncio.gather(*[connect(server, data) for _ in range(min(100, count - first))])
    return open_ones


async def idle(server, count):
    for name, data in [
        ("connections that say nothing", b""), ("connections with half a head", b"GET /api/version HTTP/1.1\r\nX: "),
        ("connections with half a body", head("/api/workflows/echo/run", "POST", "Content-Type: application/json",
                                              "Content-Length: 1000") + b'{"inputData":'),
    ]:
        before = server.memory()
        open_ones = await crowd(server, count, data)
        await asyncio.to_thread(server.answers, f"{count} {name}")
        grown = (server.memory() - before) / count
        check(f"{count} {name}: memory", grown < 64, f"{grown:.1f} kB each")
        for _, writer in open_ones:
            writer.close()
        await asyncio.sleep(0.5)


async def reconnects(server, count):
    _, run = server.get("/api/workflows/echo/run", None, b'{"inputData":{"n":1}}')
    run = json.loads(run)["runId"]
    paths = ["/api/events", f"/api/runs/{run}/events"]
    number = iter(range(count))

    async def client():
        for index in number:
            try:
                reader, writer = await connect(server, head(paths[index % 2], "GET", "Accept: text/event-stream"))
                await asyncio.wait_for(reader.readline(), 20)
                writer.close()
            except OSError:
                pass

    await asyncio.gather(*[client() for _ in range(20)])
    before = server.memory()
    number = iter(range(count))
    await asyncio.gather(*[client() for _ in range(100)])
    await asyncio.to_thread(server.answers, f"{count} streams that break off")
    grown = server.memory() - before
    check(f"{count} streams that break off: memory", grown < 64_000, f"{grown} kB more")
    for _ in range(100):
        text = (await asyncio.to_thread(server.get, "/metrics"))[1].decode()
        clients = next(int(line.split()[1]) for line in text.split("\n") if line.startswith("aikit_sse_clients "))
        if clients == 0:
            break
        await asyncio.sleep(0.1)
    check("streams that broke off are let go", clients == 0, clients)


def wrong_tokens(program, folder):
    made = subprocess.run(
        [program, "token", "create", "--name", "ci", "--role", "run", "--store", "tokens.db"], cwd=folder, capture_output=True)
    token = made.stdout.decode().strip()
    server = Server(program, folder, "--store", "tokens.db")
    statuses = {}
    began = time.monotonic()
    for number in range(2000):
        code, _ = server.get("/api/runs", f"akl_{number}aaaaaaa_{'x' * 40}")
        statuses[code] = statuses.get(code, 0) + 1
    rate = 2000 / (time.monotonic() - began)
    check("2,000 wrong tokens", set(statuses) == {401, 429}, f"{statuses}, {rate:.0f}/s")
    server.answers("wrong tokens", token)
    server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--reconnects", type=int, default=10_000)
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options.connections = min(options.connections, hard - 200)
    with tempfile.TemporaryDirectory(prefix="aikit-abuse-") as folder:
        with open(os.path.join(folder, "echo.lua"), "w") as file:
            file.write(SCRIPT)
        server = Server(program, folder, "--store", "runs.db")
        server.answers("nothing yet")
        descriptors = server.descriptors()
        odd_requests(server)
        odd_bodies(server)
        asyncio.run(idle(server, options.connections))
        asyncio.run(reconnects(server, options.reconnects))
        for _ in range(100):
            if server.descriptors() <= descriptors + 10:
                break
            time.sleep(0.1)
        check("descriptors", server.descriptors() <= descriptors + 10, f"{descriptors} before, {server.descriptors()} now")
        check("memory in the end", server.memory() < 600_000, f"{server.memory()} kB")
        check("SIGTERM ends it", (code := server.stop()) == 0, code)
        wrong_tokens(program, folder)
    if problems:
        sys.exit(f"{len(problems)} did not hold: {', '.join(problems)}")


if __name__ == "__main__":
    main()
