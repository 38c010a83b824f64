#!/usr/bin/env python3
"""Follows many runs at once, one client a run:  scripts/bench-streams.py PORT CLIENTS SECONDS

The workflow `ticks` of scripts/bench-serve.sh emits ten events a second, from a time on at which all clients have connected. Prints
how long that took, how many events came, how many are missing, and how long they took from the time of the event to the client.
"""

import asyncio
import json
import sys
import time

port, clients, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
ticks = int(seconds * 10)
# How long the runs wait before their first event.
patience = 5 + clients / 200
delays = []
lost = 0
connected = 0
began = time.time()


async def request(method, path, body=b"", accept="application/json"):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    return reader, writer


async def follow(number):
    global lost, connected
    body = json.dumps({
        "inputData": {"count": ticks, "wait": max(began + patience - time.time(), 0)},
        "runId": f"ticks-{number}",
    }).encode()
    reader, writer = await request("POST", "/api/workflows/ticks/runs", body)
    await reader.read()
    writer.close()
    reader, writer = await request("GET", f"/api/runs/ticks-{number}/events", accept="text/event-stream")
    seen = 0
    while line := await reader.readline():
        if line.startswith(b"event: result"):
            break
        if line.startswith(b"event: run") and seen == 0:
            connected = max(connected, time.time() - began)
        if line.startswith(b"data: ") and b'"step:event"' in line:
            seen += 1
            begin = line.index(b'"timestamp":') + 12
            delays.append(time.time() * 1000 - int(line[begin:begin + 13]))
    lost += ticks - seen
    writer.close()


async def main():
    await asyncio.gather(*[follow(number) for number in range(clients)])
    delays.sort()
    print(f"{clients} clients connected within {connected:.1f} s of {patience:.1f} s")
    print(
        f"{len(delays)} events, {len(delays) / seconds:.0f}/s, {lost} lost, "
        f"p50 {delays[len(delays) // 2]:.0f} ms, p99 {delays[len(delays) * 99 // 100]:.0f} ms from event to client")


asyncio.run(main())
