#!/usr/bin/env python3
"""Prepares a running service and its description for scripts/test-openapi.sh:  openapi-bounds.py ADDRESS FILE [TOKEN]

Where there is a token, checks that whatever needs one refuses requests without. Starts runs of each kind, and writes the description with their ids among those that are tried, so that requests get as far as a run;
with waits that are short; and without what has no end or needs a session.
"""

import json
import re
import sys
import urllib.error
import urllib.request

address, target, token = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""


def ask(path, body=None):
    request = urllib.request.Request(address + path, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


runs = []
for workflow, value in [("echo", {"text": "a", "times": 2}), ("ask", 1), ("fail", 1)]:
    for number in range(3):
        runs.append(f"{workflow[:3]}-{number}")
        ask(f"/api/workflows/{workflow}/run?wait=5s", {"inputData": value, "runId": runs[-1]})

known = {"workflow": ["echo", "ask", "fail"], "run": runs, "event": ["go"], "hook": ["in"], "schedule": ["daily"]}


def kind(path, name):
    """What a parameter of a path names."""
    if name == "run" or path.startswith("/api/runs/{id}") and name == "id":
        return "run"
    if path.startswith("/api/tasks/") and name == "path":
        return "step"
    if path.startswith("/hooks/"):
        return "hook"
    if path.startswith("/api/schedules/"):
        return "schedule"
    return "event" if name == "event" else "workflow"


document = ask("/openapi.json")
for path in ["/api/events", "/mcp"]:
    del document["paths"][path]
for path, operations in document["paths"].items():
    for operation in operations.values():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                names = known.get(kind(path, parameter["name"]), ["approve"])
                parameter["schema"] = {"anyOf": [{"enum": names}, parameter["schema"]]}
            elif parameter["name"] == "wait":
                parameter["schema"] = {"enum": ["0s", "20ms"]}
            elif parameter["name"] == "cursor":
                parameter["schema"] = {"enum": runs}

def status(method, path):
    """The status of a request without a token."""
    request = urllib.request.Request(address + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


if token:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "security" not in operation:
                continue
            code = status(method.upper(), re.sub(r"\{\w+\}", "x", path))
            if code != 401:
                sys.exit(f"{method} {path} without a token is answered with {code}")
with open(target, "w") as file:
    json.dump(document, file)
