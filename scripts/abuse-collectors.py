#!/usr/bin/env python3
"""Sends traces to collectors that behave badly, and sees that no run is worse off for it.

Each collector gets the spans of a short run. The run has to come to its output with status 0, within the two seconds that the
program stays for its spans; nothing that a collector answers reaches the terminal as control characters, no collector is asked
again and again, and none makes the program take memory.

    scripts/abuse-collectors.py --binary .build/release/aikit-lua [--minute] [NAME…]
"""

import argparse
import concurrent.futures
import gzip
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib

SCRIPT = """
local aikit = require "aikit"
return aikit.workflow { id = "w", telemetry = true }
  :foreach {
    id = "each", concurrency = 10,
    items = function(count) local list = {} for i = 1, count do list[i] = i end return list end,
    step = { id = "one", handler = function(n) aikit.sleep(%s) return n end },
    collect = function(list) return #list end,
  }
  :commit()
"""

DEEP = b"[" * 30000
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def answer(status="200 OK", body=b"{}", *headers):
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drip(connection, data, pause):
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(pause)


def bomb():
    """256 MB of nothing, made without taking that much memory, which programs would seem to have that are started here."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(256)) + packer.flush()


def flood(connection, head, piece, count):
    connection.sendall(head)
    for _ in range(count):
        connection.sendall(piece)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def partial(**fields):
    return answer("200 OK", json.dumps({"partialSuccess": fields}).encode())


# What a collector does with a request that it has read; True keeps the connection.
ANSWERS = {
    "takes": lambda c: c.sendall(OK) or True,
    "closes-after-each": lambda c: c.sendall(answer("200 OK", b"{}", "connection: close")),
    "old-http": lambda c: c.sendall(b"HTTP/1.0 200 OK\r\n\r\n{}"),
    "no-content": lambda c: c.sendall(b"HTTP/1.1 204 No Content\r\n\r\n") or True,
    "no-json": lambda c: c.sendall(answer("200 OK", b"<html>fine</html>")) or True,
    "deep-json": lambda c: c.sendall(answer("200 OK", DEEP)) or True,
    "no-http": lambda c: c.sendall(b"\0\1\2 what? \x1b[31m\r\n\r\n" * 50),
    "bad-chunks": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"),
    "hangs-in-head": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\ncontent-le") or time.sleep(20),
    "hangs-in-body": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{") or time.sleep(20),
    "says-nothing": lambda c: time.sleep(20),
    "drips": lambda c: drip(c, OK, 0.5),
    "closes-in-body": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
    "resets": reset,
    "huge-head": lambda c: flood(c, b"HTTP/1.1 200 OK\r\n", b"x-a: " + b"b" * 1000 + b"\r\n", 20000),
    "huge-body": lambda c: flood(c, b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 8000),
    "huge-length": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n{}"),
    "early-hints": lambda c: flood(c, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 20000) or c.sendall(OK),
    "bad-gzip": lambda c: c.sendall(answer("200 OK", b"\x1f\x8bnope", "content-encoding: gzip")),
    "gzip-bomb": lambda c: c.sendall(answer("200 OK", bomb(), "content-encoding: gzip")),
    "refuses": lambda c: c.sendall(answer("400 Bad Request", b"\x1b[31mno\x07")) or True,
    "forbids": lambda c: c.sendall(answer("401 Unauthorized", b"{}", "www-authenticate: Basic")) or True,
    "too-large": lambda c: c.sendall(answer("413 Content Too Large")) or True,
    "odd-status": lambda c: c.sendall(answer("999 What")) or True,
    "partial": lambda c: c.sendall(partial(rejectedSpans="3", errorMessage="too old")) or True,
    "partial-odd": lambda c: c.sendall(
        partial(rejectedSpans="99999999999999999999", errorMessage="\x1b[2J\x07" + "x" * 50000)) or True,
    "partial-minus": lambda c: c.sendall(partial(rejectedSpans=-5, errorMessage=7)) or True,
    "partial-double": lambda c: c.sendall(partial(rejectedSpans=1e308)) or True,
}
for place, wait in enumerate(
    ["0", "-1", "", "soon", "99999999999999999999", "1e9", "0.001", "Thu, 01 Jan 1970 00:00:00 GMT",
     "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 99 Foo 2025 99:99:99 GMT", "0, 0"]
):
    status = ["503 Service Unavailable", "429 Too Many Requests"][place % 2]
    ANSWERS[f"busy-{place}"] = lambda c, s=status, w=wait: c.sendall(answer(s, b"{}", f"retry-after: {w}")) or True

# Those that have to have everything, and have no fault told of them.
WHOLE = {"takes", "closes-after-each", "old-http", "no-content", "no-json", "deep-json", "huge-body", "gzip-bomb"}
# Those of which nothing need be told.
SILENT = WHOLE | {"early-hints", "partial-minus", "partial-double"}


class Collector:
    """Listens; reads each request to its end before it does what it does."""

    def __init__(self, behave, talks_first=None):
        self.behave = behave
        self.talks_first = talks_first
        self.requests, self.spans, self.connections = 0, 0, 0
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                if self.talks_first:
                    return self.talks_first(connection)
                file = connection.makefile("rb")
                while True:
                    line = file.readline(65536)
                    if not line:
                        return
                    headers = {}
                    while (header := file.readline(65536).strip()):
                        name, _, value = header.decode("latin-1").partition(":")
                        headers[name.lower()] = value.strip()
                    length = int(headers.get("content-length", "0"))
                    body = file.read(length)
                    if len(body) < length:  # The program has ended.
                        return
                    if headers.get("content-encoding") == "gzip":
                        body = gzip.decompress(body)
                    if len(body) > 4 << 20:
                        raise SystemExit("a request has more than 4 MB")
                    self.requests += 1
                    self.spans += sum(
                        len(scope["spans"]) for part in json.loads(body)["resourceSpans"] for scope in part["scopeSpans"])
                    if not self.behave(connection):
                        return
        except OSError:
            pass

    def close(self):
        self.server.close()


def run(binary, script, folder, url, items, patience=60, **variables):
    """Runs the workflow; its time in seconds, what it wrote on standard error, and the most memory that it had, in MB."""
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        start = time.monotonic()
        process = subprocess.Popen(
            [binary, "run", script, "--input", str(items), "--store", "memory", *(["--otlp", url] if url else [])],
            cwd=folder, stdout=output, stderr=errors, env={**os.environ, **variables})
        timer = threading.Timer(patience, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text = errors.read().decode(errors="replace")
        assert process.returncode == 0, f"status {process.returncode}: {text[-2000:]}"
        assert output.read().split() == [str(items).encode()], "the output is another one"
        return seconds, text, usage.ru_maxrss / 1024


def check(name, binary, script, folder):
    talks_first = {
        "closes-at-once": lambda c: None, "resets-at-once": reset,
        "tls-silent": lambda c: time.sleep(20), "tls-garbage": lambda c: c.recv(100) and c.sendall(b"\x16\x03\x01 no"),
    }.get(name)
    sink = Collector(ANSWERS["takes"])
    if name == "redirects":
        behave = lambda c: c.sendall(
            answer("302 Found", b"", f"location: http://127.0.0.1:{sink.port}/v1/traces")) or True
    elif name == "redirects-to-itself":
        behave = lambda c: c.sendall(answer("307 Temporary Redirect", b"", "location: /v1/traces")) or True
    else:
        behave = ANSWERS.get(name)
    collector = Collector(behave, talks_first)
    scheme = "https" if name.startswith("tls") else "http"
    try:
        port = 1 if name == "nobody" else collector.port
        seconds, text, memory = run(binary, script, folder, f"{scheme}://127.0.0.1:{port}", 200)
        told = [line for line in text.splitlines() if line.startswith("telemetry:")]
        assert seconds < 20, f"it took {seconds:.1f} s"
        assert memory < 400, f"it took {memory:.0f} MB"
        assert len(told) <= 2, f"it is told of again and again: {told}"
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", "".join(told)), f"control characters: {told!r}"
        assert all(len(line) < 500 for line in told), "a long line"
        assert collector.requests <= 6 and collector.connections <= 12, (
            f"{collector.requests} requests in {collector.connections} connections")
        if name in WHOLE:
            assert collector.spans == 202, f"{collector.spans} spans came"
            assert not told, told
        elif name not in SILENT:
            assert told, "nobody is told"
        assert not name.startswith("redirects") or sink.requests == 0, "a redirect was followed"
    finally:
        collector.close()
        sink.close()
    return seconds, memory


def minute(binary, folder):
    """A collector that hangs for a minute, beside the same run without one: neither slower nor larger."""
    with open(f"{folder}/steady.lua", "w") as file:
        file.write(SCRIPT % '"10ms"')
    collector = Collector(lambda c: time.sleep(600))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # A thousand steps a second each.
        plain, hanging = (
            pool.submit(run, binary, "steady.lua", folder, url, 60000, patience=400)
            for url in (None, f"http://127.0.0.1:{collector.port}"))
        (usual, _, least), (seconds, text, most) = plain.result(), hanging.result()
    collector.close()
    told = [line for line in text.splitlines() if line.startswith("telemetry:")]
    print(f"ok   a minute without an answer: {seconds:.1f} s and {most:.0f} MB, {usual:.1f} s and {least:.0f} MB without export")
    assert re.search("dropped|left to", "".join(told)) and len(told) <= 3 + seconds / 60, told
    # Two seconds are for what is sent at the end; noise is what the machine has.
    assert seconds < usual * 1.1 + 4, f"{seconds} s, {usual} s without export"
    assert most < least + 200, f"{most} MB, {least} MB without export"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=".build/release/aikit-lua")
    parser.add_argument("--minute", action="store_true", help="also let a collector hang for a minute")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    binary = os.path.realpath(arguments.binary)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    names = arguments.names or [
        *ANSWERS, "nobody", "closes-at-once", "resets-at-once", "tls-silent", "tls-garbage", "redirects",
        "redirects-to-itself"]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/w.lua", "w") as file:
            file.write(SCRIPT % '"1ms"')
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            tasks = {name: pool.submit(check, name, binary, "w.lua", folder) for name in names}
            for name, task in tasks.items():
                try:
                    seconds, memory = task.result()
                    print(f"ok   {name}: {seconds:.1f} s, {memory:.0f} MB", flush=True)
                except AssertionError as error:
                    failed += 1
                    print(f"FAIL {name}: {error}", flush=True)
        if arguments.minute:
            minute(binary, folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
