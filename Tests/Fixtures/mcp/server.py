"""A server of the Model Context Protocol that behaves as its argument says."""
import json
import sys
import time

mode = sys.argv[1] if len(sys.argv) > 1 else "good"
tools = [
    {"name": "add", "description": "Adds.", "inputSchema": {"type": "object", "required": ["a", "b"]}},
    {"name": "fail", "inputSchema": {"type": "object"}},
]


def send(message):
    print(json.dumps(message), flush=True)


def answer(request):
    method, params = request["method"], request.get("params", {})
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"] if mode != "future" else "2999-01-01",
                "capabilities": {"tools": {}}, "serverInfo": {"name": "fixture", "version": "1"}}
    if method == "tools/list" and mode == "heavy":
        # Few tools, each of which takes megabytes.
        tool = {"name": "heavy", "inputSchema": {"type": "object", "enum": [1] * 1_000_000}}
        return {"tools": [tool], "nextCursor": "again"}
    if method == "tools/list":
        return {"tools": tools, **({"nextCursor": "again"} if mode == "endless" else {})}
    name, arguments = params["name"], params["arguments"]
    if name == "fail":
        return {"content": [{"type": "text", "text": "it broke"}], "isError": True}
    if name == "environment":
        import os
        return {"content": [{"type": "text", "text": os.environ.get(arguments["name"], "")}]}
    total = {"sum": arguments["a"] + arguments["b"]}
    return {"content": [{"type": "text", "text": json.dumps(total)}], "structuredContent": total}


if mode == "flood":
    while True:
        sys.stdout.write("x" * 65536)
if mode == "noise":
    print("careless\n{\n[]\n7\n", end="", flush=True)
if mode == "dead":
    sys.exit("it is broken")
for line in sys.stdin:
    message = json.loads(line)
    if mode == "silent":
        time.sleep(600)
    if "method" in message and "id" in message:
        if mode == "asks":
            send({"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "params": {}})
            refusal = json.loads(sys.stdin.readline())
            assert refusal["error"]["code"] == -32601, refusal
        if mode == "deep" and message["method"] == "tools/call":
            print('{"jsonrpc":"2.0","id":%d,"result":%s}' % (message["id"], "[" * 100000 + "]" * 100000), flush=True)
            continue
        if mode == "dies" and message["method"] == "tools/call":
            sys.exit("it died")
        send({"jsonrpc": "2.0", "id": message["id"], "result": answer(message)})
