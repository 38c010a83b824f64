#!/usr/bin/env python3
"""Checks `aikit-lua mcp` and `/mcp` of `aikit-lua serve` with the client of PyPI's `mcp`, and `aikit.mcp` with its server, over both
transports:  scripts/test-mcp.py PROGRAM

Without the package it makes a virtual environment for it; where that cannot be, it says so and ends with status 0.
"""
import asyncio
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import venv

SCRIPT = """
local aikit = require "aikit"
local s = aikit.schema
local add = aikit.workflow {
  id = "add", description = "Adds numbers, one after the other.",
  input_schema = s.object { numbers = s.array(s.number()) }, output_schema = s.object { sum = s.number() },
}:foreach { id = "take", items = function(input) return input.numbers end,
   step = aikit.step { id = "one", handler = function(n) return n end } }
 :step(aikit.step { id = "sum", handler = function(list)
   local sum = 0
   for _, n in ipairs(list) do sum = sum + n end
   return { sum = sum }
 end }):commit()
local ask = aikit.workflow { id = "ask", description = "Asks somebody.", input_schema = s.object { amount = s.number() } }
  :human { id = "lead", response_schema = s.object { ok = s.boolean(), colour = s.enum { "red", "blue" }:optional() } }
  :commit()
local slow = aikit.workflow { id = "slow", description = "Takes long." }
  :step(aikit.step { id = "sleep", timeout = 0, handler = function() aikit.sleep("60s") return {} end }):commit()
return { add, ask, slow }
"""


# A server of others, for the client of ours; its transport is its argument.
SERVER = """
import socket, sys
from mcp.server import MCPServer

server = MCPServer("sums")

@server.tool()
def add(a: int, b: int) -> dict[str, int]:
    "Adds."
    return {"sum": a + b}

@server.tool()
def fail() -> str:
    raise ValueError("it broke")

if sys.argv[1] == "stdio":
    server.run("stdio")
else:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
"""

USER = """
local aikit = require "aikit"
local server = aikit.mcp { %s, timeout = "20s" }
return aikit.workflow { id = "w" }:step { id = "ask", timeout = "60s", handler = function()
  local names = {}
  for _, tool in ipairs(server:tools()) do names[#names + 1] = tool.name end
  table.sort(names)
  local sum
  for i = 1, 20 do sum = server:call("add", { a = i, b = 1 }) end
  local ok, failure = pcall(server.call, server, "fail")
  return { names = names, sum = sum, ok = ok, code = failure.code, message = failure.message }
end }:commit()
"""


def check_client(program):
    """Our client with a server of others."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "server.py").write_text(SERVER)
        command = [sys.executable, str(path / "server.py")]
        serving = subprocess.Popen(
            [*command, "http", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(600):
                with socket.socket() as attempt:
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            ways = {
                "stdio": "command = { %s }" % ", ".join(json.dumps(word) for word in [*command, "stdio"]),
                "HTTP": f'url = "http://127.0.0.1:{port}/mcp"',
            }
            for name, way in ways.items():
                (path / "w.lua").write_text(USER % way)
                run = subprocess.run(
                    [program, "run", str(path / "w.lua"), "--store", "memory", f"--allow-net=127.0.0.1:{port}",
                     f"--allow-run={sys.executable}"], capture_output=True, text=True, timeout=100)
                assert run.returncode == 0, run.stderr
                result = json.loads(run.stdout)
                assert result["names"] == ["add", "fail"] and result["sum"] == {"sum": 21}, result
                assert not result["ok"] and result["code"] == "mcp_tool" and "fail" in result["message"], result
                print(f"ok   our client, {name}")
        finally:
            serving.terminate()
            serving.wait(60)


def with_package():
    """Runs this script again where the package is, if it is not here."""
    try:
        import mcp  # noqa: F401
        return
    except ImportError as error:
        if os.environ.get("AIKIT_LUA_MCP_INSTALLED"):
            print(f"skipped: the package mcp cannot be loaded ({error})")
            sys.exit(0)
    folder = pathlib.Path(tempfile.gettempdir()) / "aikit-lua-mcp"
    python = folder / "bin" / "python3"
    try:
        if not python.exists():
            venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "mcp"], check=True, timeout=150, capture_output=True)
    except Exception as error:
        print(f"skipped: the package mcp cannot be installed ({error})")
        sys.exit(0)
    os.execve(python, [str(python), *sys.argv], {**os.environ, "AIKIT_LUA_MCP_INSTALLED": "1"})


async def check(client_of, answers):
    """The same talk over either transport."""
    from mcp import types

    async def elicit(context, params):
        answers.append(params.message)
        return types.ElicitResult(action="accept", content={"ok": True, "colour": "blue"})

    progress = []

    async def told(done, total, message):
        progress.append((done, message))

    async with client_of(elicit) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"add", "ask", "slow", "get-run"}, tools
        # The client drops progress that it reads together with the result: one of several calls tells of it.
        for _ in range(20):
            result = await client.call_tool("add", {"numbers": [1, 2, 3]}, progress_callback=told)
            assert not result.is_error and result.structured_content == {"sum": 6}, result
            if progress:
                break
        assert progress and all(count > 0 for count, _ in progress), progress
        result = await client.call_tool("add", {"numbers": "x"})
        assert result.is_error, result
        result = await client.call_tool("ask", {"amount": 12})
        assert result.structured_content == {"ok": True, "colour": "blue"}, result
        resources = [r.uri for r in (await client.list_resources()).resources]
        assert "aikit://reference" in [str(uri) for uri in resources], resources
        reference = await client.read_resource("aikit://reference")
        assert "aikit.workflow" in reference.contents[0].text
        try:
            await client.call_tool("slow", {}, read_timeout_seconds=1)
            raise AssertionError("the call of slow ended")
        except Exception as error:
            assert "ended" not in str(error), error
        runs = await client.call_tool("get-run", {"runId": "none"})
        assert runs.is_error


async def main(program):
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    for mode in ("legacy", "auto"):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "w.lua").write_text(SCRIPT)
            answers = []
            server = StdioServerParameters(command=program, args=["mcp", folder])
            await check(lambda elicit: Client(server, mode=mode, elicitation_callback=elicit), answers)
            assert len(answers) == 1, answers
            listed = subprocess.run(
                [program, "runs", "list", "--store", folder + "/.aikit/runs.db"], capture_output=True, text=True)
            assert "cancelled" in listed.stdout, listed.stdout
            print(f"ok   stdio, {mode}")

            serving = subprocess.Popen(
                [program, "serve", folder, "--port", "0", "--store", "memory"], stderr=subprocess.PIPE, text=True)
            try:
                for line in serving.stderr:
                    if found := re.search(r"listening at (http://\S+)", line):
                        break
                answers = []
                address = found[1] + "/mcp"
                await check(lambda elicit: Client(address, mode=mode, elicitation_callback=elicit), answers)
                assert len(answers) == 1, answers
                print(f"ok   HTTP, {mode}")
            finally:
                serving.terminate()
                serving.communicate(timeout=60)


if __name__ == "__main__":
    with_package()
    check_client(os.path.abspath(sys.argv[1]))
    asyncio.run(asyncio.wait_for(main(os.path.abspath(sys.argv[1])), 120))
