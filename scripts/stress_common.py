"""What the scripts that kill servers and read their stores have in common."""

import http.client
import os
import random
import signal
import socket
import struct
import subprocess
import time

# The numbers of events and of statuses, as a store has them.
STARTED, ENDINGS, SUCCESS = 0, {1, 2, 3}, 4


def free_port():
    """A port of this machine that nobody listens at, of those that the system does not give to connections: a server that is
    killed finds it free when it is started again."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first = int(file.read().split()[0])
    ports = range(10000, first) if first > 20000 else range(61000, 65536)
    for port in random.SystemRandom().sample(ports, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("no port is free")


class Server:
    """`aikit-lua serve` of scripts of a folder, on a SQLite store in it."""

    def __init__(self, program, folder, script, store):
        self.port = free_port()
        self.process = subprocess.Popen(
            [program, "serve", script, "--port", str(self.port), "--store", store, "--no-dashboard", "--no-watch"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=open(os.path.join(folder, "serve.log"), "ab"))
        self.wait_ready()

    def wait_ready(self):
        for _ in range(3000):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health/live")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise SystemExit("the server does not come up")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def times(store):
    """When each run entered the queue, began and ended, and its row, from the bytes of its events."""
    entered, begun, ended = {}, {}, {}
    for run, events in store.execute("SELECT run, events FROM entries ORDER BY id"):
        for offset in range(0, len(events), 32):
            moment, kind = struct.unpack_from("<q", events, offset)[0], events[offset + 30]
            entered.setdefault(run, moment)
            if kind == STARTED:
                begun.setdefault(run, []).append(moment)
            elif kind in ENDINGS:
                ended.setdefault(run, []).append(moment)
    return entered, begun, ended


def max_within(moments, period):
    """The most moments that lie within any period."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= period:
            first += 1
        most = max(most, last - first + 1)
    return most
