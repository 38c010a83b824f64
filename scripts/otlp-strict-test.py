#!/usr/bin/env python3
"""Check what the program sends by OTLP with the official protobuf classes, and as a trace.

A collector on 127.0.0.1 takes what runs of all kinds send: those that end, wait and are answered, begin anew, start others, are
undone, cancelled, retried, forked and upgraded; and the same when their process is killed in the middle and another one goes on.
Each payload has to parse without unknown fields; the spans of a run have to be one whole trace, and the same that `runs trace`
makes of the journal. Needs `pip install opentelemetry-proto`.

    scripts/otlp-strict-test.py --binary .build/release/aikit-lua
"""

import argparse
import base64
import gzip
import hashlib
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PIN = b"hush-4711"
SCRIPT = """
local aikit = require "aikit"
local body = { id = "item", retry = { max_attempts = 2, initial = "5ms" }, handler = function(n, context)
  if type(n) == "table" then n = 1 end -- the input of a branch that runs in parallel
  context:set_attribute("n", n)
  context:log("info", "doubles", { n = n })
  aikit.http.get("%s/get")
  return context:span("double", function() aikit.sleep(%s) return n * 2 end)
end }
return {
  aikit.workflow { id = "plain", telemetry = { tags = { "a" }, metadata = { big = 9007199254740993, x = 1.5 } } }
    :foreach { id = "each", items = function() return { 1, 2, 3, 4 } end, concurrency = 2, step = body }
    :branch { id = "way", resolve = function() return "left" end, cases = { left = { { id = "l", handler = function(x)
      return x end } }, right = { { id = "r", handler = function(x) return x end } } } }
    :commit(),
  aikit.workflow { id = "asks" }
    :parallel { id = "both", branches = { a = { body }, b = { aikit.human { id = "ask" } } } }
    :commit(),
}
"""


KINDS = """
local aikit = require "aikit"
local address, pause = "%s", %s
local s = aikit.schema
local model = aikit.model { provider = "openai", name = "tiny", base_url = address .. "/v1" }
local search = aikit.tool {
  id = "search", description = "Looks", input_schema = s.object { query = s.string(), pin = s.string():secret() },
  handler = function(input) aikit.sleep(pause) return "25 days for " .. input.query .. " with " .. input.pin end,
}
local work = { id = "work", handler = function(n) aikit.sleep(pause) return n end }
local child = aikit.workflow { id = "child", telemetry = true }:foreach { id = "each", items = function() return { 1, 2 } end,
  step = work }:commit()
return {
  child,
  aikit.workflow { id = "agent", telemetry = true }:step(aikit.agent {
    id = "help", model = model, tools = { search }, prompt = "How much leave?", stream = false }):commit(),
  aikit.workflow { id = "parent", telemetry = true }:step { id = "starts", handler = function(_, context)
    aikit.start(child, nil, { id = context.run_id .. "-left", on_parent_end = "leave" })
    return aikit.start(child, nil, { id = context.run_id .. "-child", wait = true })
  end }:step(work):commit(),
  aikit.workflow { id = "chain", telemetry = true }:step { id = "page", handler = function(input, context)
    aikit.sleep(pause)
    local page = type(input) == "table" and input.page or 1
    if page < 3 then context:restart { page = page + 1 } end
    return page
  end }:commit(),
  aikit.workflow { id = "undone", telemetry = true }
    :step { id = "book", handler = function(n) aikit.sleep(pause) return n end,
      compensate = function() aikit.sleep(pause) end }
    :foreach { id = "seats", items = function() return { 1, 2 } end, concurrency = 2,
      step = { id = "seat", handler = function(n) aikit.sleep(pause) return n end,
        compensate = function() aikit.sleep(pause) end } }
    :step { id = "pay", handler = function() aikit.fail { code = "declined", message = "no", retryable = false } end }
    :commit(),
  aikit.workflow { id = "long", telemetry = true }:step(work)
    :loop { id = "turns", condition = function(_, context) return (context.iteration or 1) <= 1000 end, step = {
      { id = "turn", handler = function(n) aikit.sleep "200ms" return n end } } }:commit(),
  aikit.workflow { id = "asks", telemetry = true }:step(work)
    :parallel { id = "both", branches = { a = { work }, b = { aikit.human { id = "ask" } } } }
    :step { id = "ends", handler = work.handler }:commit(),
}
"""


def bytes_for_ids(value):
    """OTLP has ids in hexadecimal where protobuf's JSON has base64."""
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else bytes_for_ids(item)
            for key, item in value.items()
        }
    return [bytes_for_ids(item) for item in value] if isinstance(value, list) else value


def spans_of(text):
    request = json_format.ParseDict(bytes_for_ids(json.loads(text)), ExportTraceServiceRequest())
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


class Collector(http.server.BaseHTTPRequestHandler):
    spans, logs, metrics, leaks, parents = [], [], [], [], set()

    def do_GET(self):
        """What the script asks; it is told in which span."""
        self.parents.add(bytes.fromhex(self.headers["traceparent"].split("-")[2]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if len(body) < int(self.headers["content-length"]):
            raise ConnectionResetError
        if self.path == "/v1/chat/completions":
            return self.chat(json.loads(body))
        body = gzip.decompress(body)
        if PIN in body:
            self.leaks.append(self.path)
        if self.path == "/v1/traces":
            self.spans.extend(spans_of(body))
        elif self.path == "/v1/logs":
            request = json_format.ParseDict(bytes_for_ids(json.loads(body)), ExportLogsServiceRequest())
            self.logs.extend(
                record for part in request.resource_logs for scope in part.scope_logs for record in scope.log_records)
        else:
            request = json_format.ParseDict(json.loads(body), ExportMetricsServiceRequest())
            self.metrics.append(
                [metric for part in request.resource_metrics for scope in part.scope_metrics for metric in scope.metrics])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def chat(self, question):
        """A model that calls a tool, and then answers."""
        turn = sum(message["role"] == "tool" for message in question["messages"])
        call = {"id": f"call_{turn}", "type": "function", "function": {
            "name": "search", "arguments": json.dumps({"query": "leave", "pin": PIN.decode()})}}
        message = {"role": "assistant", "content": "25 days." if turn > 1 else None}
        if turn < 2:
            message["tool_calls"] = [call]
        answer = json.dumps({"id": "a", "model": "tiny-1", "usage": {"prompt_tokens": 5, "completion_tokens": 2}, "choices": [
            {"index": 0, "message": message, "finish_reason": "stop" if turn > 1 else "tool_calls"}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Whoever is killed, or has no time left, does not wait for its answer."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)


def check_step(run, span, stretches):
    """The id of a step's span is that of its place; of a part of it in a later stretch the number of that one comes behind."""
    said = {item.key: item.value for item in span.attributes}
    if "ai_kit.workflow.step.path" not in said:
        return
    path = said["ai_kit.workflow.step.path"].string_value
    place = [said[f"ai_kit.workflow.step.{part}"].int_value for part in ("attempt", "occurrence")]
    wanted = [
        hashlib.sha256("\0".join(map(str, [run, path + part, *place, *stretch])).encode()).digest()[:8]
        for part in ("", "/compensate", "/completion")
        for stretch in ([], *([number] for number in range(2, stretches + 1)))]
    assert span.span_id in wanted, f"{run}: the id of {span.name} is not that of its place"


def check(run, spans, later):
    """The spans that came in, each once: a whole trace that is the one of the journal."""
    trace = hashlib.sha256(run.encode()).digest()[:16]
    known = {}
    for span in [span for span in spans if span.trace_id == trace]:
        if known.setdefault(span.span_id, span) != span:
            raise SystemExit(f"{run}: two spans have the id {span.span_id.hex()}:\n{known[span.span_id]}\n{span}")
    for span in known.values():
        if not span.parent_span_id:
            continue
        parent = known.get(span.parent_span_id)
        assert parent, f"{run}: the parent of {span.name} is missing"
        times = [parent.start_time_unix_nano, span.start_time_unix_nano, span.end_time_unix_nano,
                 parent.end_time_unix_nano]
        assert times == sorted(times), f"{run}: {span.name} is not within {parent.name}"
    roots = sorted((span for span in known.values() if not span.parent_span_id), key=lambda s: s.start_time_unix_nano)
    for number, root in enumerate(roots, 1):
        wanted = hashlib.sha256(f"{run}\0\0001\0{number}".encode()).digest()[:8]
        assert root.span_id == wanted, f"{run}: stretch {number} has another id"
    for first, second in zip(roots, roots[1:]):
        assert first.end_time_unix_nano <= second.start_time_unix_nano, f"{run}: two stretches overlap"
        assert [link.span_id for link in second.links] == [first.span_id], f"{run}: a stretch is not linked to the one before"
    for span in known.values():
        check_step(run, span, len(roots))
    assert list(known.values()) and len(known) == len(later), f"{run}: {len(known)} spans came, {len(later)} are recorded"
    for span in later:
        assert known.get(span.span_id) == span, (
            f"{run}: {span.name} differs from the journal's:\n{known.get(span.span_id)}\n{span}")
    print(f"ok   {run}: {len(known)} spans, {len(roots)} stretches")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=".build/release/aikit-lua")
    binary = os.path.realpath(parser.parse_args().binary)
    server = Server(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    otlp = ["--otlp", address]
    allow = ["--allow-net=127.0.0.1", "--allow-model"]
    chance = random.Random(14)
    with tempfile.TemporaryDirectory() as folder:

        def aikit(*arguments, status=0):
            result = subprocess.run([binary, *arguments], cwd=folder, capture_output=True, text=True)
            assert result.returncode == status, f"{arguments}: {result.returncode}\n{result.stderr}"
            if "telemetry:" in result.stderr:
                recover()
            return result.stdout

        def recover():
            """Goes on with what others left. A machine that is busy has a command leave spans to the next one."""
            for _ in range(20):
                result = subprocess.run(
                    [binary, "runs", "recover", *otlp], cwd=folder, capture_output=True, text=True)
                # What others began goes on too; a run that fails makes that status.
                assert result.returncode in (0, 1), result.stderr
                if "telemetry:" not in result.stderr:
                    return
            raise SystemExit(f"20 times there was no time to send spans: {result.stderr}")

        traces = set()

        def finish(*runs):
            """All that came are spans of these runs, each of which is whole."""
            # What a process had no time for is sent by a later one, and some of it twice.
            traces.update(hashlib.sha256(run.encode()).digest()[:16] for run in runs)
            others = {span.name for span in Collector.spans if span.trace_id not in traces}
            assert not others, f"{runs}: {others} lie in other traces"
            assert not Collector.leaks, f"{runs}: a secret was sent to {Collector.leaks}"
            for run in runs:
                check(run, Collector.spans, spans_of(aikit("runs", "trace", run, "--json")))
            Collector.spans.clear()

        def known(run):
            """The runs of the store whose ids begin so."""
            return [entry for entry in json.loads(aikit("runs", "list", "--json")) if entry["runId"].startswith(run)]

        def dies(workflow, run, after, *signals):
            """Begins a run, and kills its process when it has told of so many events; whether it was still under way."""
            process = subprocess.Popen(
                [binary, "run", "kinds-slow.lua", "--workflow", workflow, "--run-id", run, "--events", *otlp, *allow],
                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, "OTEL_BSP_SCHEDULE_DELAY": chance.choice(["50", "5000"])})
            events = 0
            for _ in process.stdout:
                events += 1
                if events == after:
                    process.send_signal(signal.SIGKILL)
            return process.wait() < 0

        os.environ["OTEL_LOGS_EXPORTER"] = os.environ["OTEL_METRICS_EXPORTER"] = "otlp"
        with open(f"{folder}/quick.lua", "w") as file:
            file.write(SCRIPT % (address, "0.001"))
        with open(f"{folder}/slow.lua", "w") as file:
            file.write(SCRIPT % (address, "0.4"))
        for attempt in range(20):
            # Logs and metrics that a busy machine leaves no time for are sent by nobody else.
            for signals in (Collector.spans, Collector.logs, Collector.metrics, Collector.parents):
                signals.clear()
            run = f"ends-{attempt}"
            aikit("run", "quick.lua", "--workflow", "plain", "--run-id", run, *otlp, *allow)
            if Collector.metrics and Collector.logs:
                break
        requests = {span.span_id for span in Collector.spans if span.name == "GET"}
        assert len(requests) == 4 and requests == Collector.parents, (requests, Collector.parents)
        ids = {span.span_id for span in Collector.spans}
        assert len(Collector.logs) == 4 and all(record.span_id in ids for record in Collector.logs), Collector.logs
        metrics = {metric.name: metric for metric in Collector.metrics[-1]}
        assert [point.as_int for point in metrics["aikit.workflow.runs"].sum.data_points] == [1], metrics
        steps = metrics["aikit.workflow.step.duration"].histogram.data_points
        assert all(len(step.bucket_counts) == len(step.explicit_bounds) + 1 for step in steps), steps
        print(f"ok   {len(Collector.logs)} log entries, {len(metrics)} metrics")
        finish(run)
        aikit("run", "quick.lua", "--workflow", "asks", "--run-id", "waits", *otlp, *allow, status=3)
        aikit("resume", "waits", "--data", "{}", *otlp)
        finish("waits")
        process = subprocess.Popen(
            [binary, "run", "slow.lua", "--workflow", "plain", "--run-id", "dies", "--events", *otlp, *allow],
            cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "OTEL_BSP_SCHEDULE_DELAY": "50"})
        for line in process.stdout:
            if json.loads(line)["type"] == "step:success":
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        aikit("runs", "recover", "dies", *otlp)
        finish("dies")

        with open(f"{folder}/kinds.lua", "w") as file:
            file.write(KINDS % (address, "0.001"))
        with open(f"{folder}/kinds-slow.lua", "w") as file:
            file.write(KINDS % (address, "0.15"))
        # Every kind, undisturbed, and killed in several places.
        for workflow, status, others in [
            ("agent", 0, []), ("parent", 0, ["-left", "-child"]), ("chain", 0, ["~2", "~3"]), ("undone", 1, []),
        ]:
            run = f"{workflow}-1"
            aikit("run", "kinds.lua", "--workflow", workflow, "--run-id", run, *otlp, *allow, status=status)
            if others == ["-left", "-child"]:
                recover()
            finish(run, *(run + other for other in others))
            for number, after in enumerate(sorted(chance.sample(range(2, 12), 2)), 2):
                run = f"{workflow}-{number}"
                dies(workflow, run, after)
                # Also of a run that was over when the process died.
                recover()
                finish(*(entry["runId"] for entry in known(run)))

        aikit("run", "kinds.lua", "--workflow", "asks", "--run-id", "asks-1", *otlp, *allow, status=3)
        aikit("resume", "asks-1", "--data", "{}", *otlp)
        finish("asks-1")
        dies("asks", "asks-2", 3)
        aikit("runs", "recover", "asks-2", *otlp, status=3)
        aikit("resume", "asks-2", "--data", "{}", *otlp)
        finish("asks-2")

        aikit("run", "kinds.lua", "--workflow", "asks", "--run-id", "asks-3", *otlp, *allow, status=3)
        with open(f"{folder}/newer.lua", "w") as file:
            file.write((KINDS % (address, "0.001")).replace("handler = work.handler", "handler = function(n) return n end"))
        aikit("runs", "upgrade", "asks-3", "--to", "newer.lua")
        aikit("resume", "asks-3", "--data", "{}", *otlp)
        finish("asks-3")

        process = subprocess.Popen(
            [binary, "run", "kinds.lua", "--workflow", "long", "--run-id", "long-1", "--events", *otlp, *allow],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in process.stdout:
            if '"turns[2]/turn"' in line:
                break
        aikit("runs", "cancel", "long-1")
        process.communicate()
        finish("long-1")

        # Nobody drives them: one that waits, and one whose process died with a step under way.
        aikit("run", "kinds.lua", "--workflow", "asks", "--run-id", "asks-4", *otlp, *allow, status=3)
        aikit("runs", "cancel", "asks-4", *otlp)
        finish("asks-4")
        dies("long", "long-2", 7)
        aikit("runs", "cancel", "long-2", *otlp)
        finish("long-2")

        aikit("runs", "retry", "undone-1", "--run-id", "undone-again", *otlp, *allow, status=1)
        finish("undone-again")
        aikit("runs", "fork", "parent-1", "--from", "work", "--run-id", "parent-fork", *otlp, *allow)
        finish("parent-fork")


if __name__ == "__main__":
    main()
