#!/usr/bin/env python3
"""Stands in for a provider of models on 127.0.0.1: OpenAI's chat completions and embeddings, Anthropic's messages.

    provider.py SCRIPT.json [--log FILE]

It prints its address as the first line. SCRIPT.json has `{ "turns": [answer, …], "delay"?: seconds }`; an answer is
`{ "text"?, "tool_calls"?: [{ "name", "arguments" }], "status"?, "fails"?, "retry_after"?, "slow"?, "usage"? }`. Which one a request gets is
how many messages of the assistant it has, so a request that is made again gets the same answer. With `fails` the first so
many requests of a turn get `status`; `slow` is a pause between the pieces of a streamed answer, in seconds.

Each request is written to FILE as a line of JSON, and `{ "closed": n }` when its client has gone before the end. Where the packages
`openai` and `anthropic` are installed, a body that their types do not allow is answered with 400.
"""
import json
import select
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    from anthropic.types import message_create_params
    from openai.types import embedding_create_params
    from openai.types.chat import completion_create_params
    from pydantic import ConfigDict, TypeAdapter

    def adapter(*types):
        return [TypeAdapter(kind) for kind in types]

    TYPES = {
        "/chat/completions": adapter(
            completion_create_params.CompletionCreateParamsStreaming,
            completion_create_params.CompletionCreateParamsNonStreaming),
        "/messages": adapter(
            message_create_params.MessageCreateParamsStreaming, message_create_params.MessageCreateParamsNonStreaming),
        "/embeddings": adapter(embedding_create_params.EmbeddingCreateParams),
    }
except ImportError:
    TYPES = {}

script = json.load(open(sys.argv[1], encoding="utf-8"))
log_path = sys.argv[sys.argv.index("--log") + 1] if "--log" in sys.argv else None
lock = threading.Lock()
failures = {}
count = 0


def log(entry):
    if log_path:
        with lock, open(log_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def fault(path, body):
    """What is wrong with a body by the provider's own types; nothing where they are not there."""
    for ending, adapters in TYPES.items():
        if not path.endswith(ending):
            continue
        streamed = bool(body.get("stream"))
        kind = adapters[0] if streamed or len(adapters) == 1 else adapters[1]
        # Iterables of the types are read lazily, so what they yield is looked at too. Fields that no type has are dropped.
        try:
            kept = json.loads(json.dumps(kind.dump_python(kind.validate_python(body), warnings="error"), default=list))
        except Exception as error:  # noqa: BLE001: any refusal is the answer
            return str(error)
        if kept != body:
            return f"unknown fields: {json.dumps(body)} is taken as {json.dumps(kept)}"
    return None


def pieces(text):
    words = text.split(" ")
    return [word if index == 0 else " " + word for index, word in enumerate(words)]


def openai_answer(answer, body, usage):
    calls = [
        {"id": f"call_{i + 1}", "type": "function",
         "function": {"name": call["name"], "arguments": json.dumps(call.get("arguments", {}))}}
        for i, call in enumerate(answer.get("tool_calls", []))]
    reason = "tool_calls" if calls else answer.get("finish_reason", "stop")
    counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage),
              "prompt_tokens_details": {"cached_tokens": usage[2] if len(usage) > 2 else 0}}
    head = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        message = {"role": "assistant", "content": answer.get("text") or None}
        if calls:
            message["tool_calls"] = calls
        yield {**head, "object": "chat.completion", "usage": counts,
               "choices": [{"index": 0, "message": message, "finish_reason": reason}]}
        return

    def chunk(delta, finish=None):
        return {**head, "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces(answer.get("text", "")):
        yield chunk({"content": piece})
    for index, call in enumerate(calls):
        yield chunk({"tool_calls": [{"index": index, "id": call["id"], "type": "function",
                                     "function": {"name": call["function"]["name"], "arguments": ""}}]})
        text = call["function"]["arguments"]
        for start in range(0, len(text), 8):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": text[start:start + 8]}}]})
    yield chunk({}, reason)
    yield {**head, "object": "chat.completion.chunk", "choices": [], "usage": counts}


def anthropic_answer(answer, body, usage):
    blocks = []
    if answer.get("text"):
        blocks.append({"type": "text", "text": answer["text"]})
    for index, call in enumerate(answer.get("tool_calls", [])):
        blocks.append({"type": "tool_use", "id": f"toolu_{index + 1}", "name": call["name"],
                       "input": call.get("arguments", {})})
    reason = "tool_use" if answer.get("tool_calls") else "end_turn"
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"]}
    counts = {"input_tokens": usage[0], "output_tokens": usage[1]}
    if not body.get("stream"):
        yield {**head, "content": blocks, "stop_reason": reason, "stop_sequence": None, "usage": counts}
        return
    yield {"type": "message_start", "message": {**head, "content": [], "stop_reason": None, "usage": counts}}
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
            for piece in pieces(block["text"]):
                yield {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}
        else:
            yield {"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}}
            yield {"type": "content_block_delta", "index": index,
                   "delta": {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": usage[1]}}
    yield {"type": "message_stop"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value, headers=()):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def pause(self, seconds):
        """Waits; true if the client goes meanwhile."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        return bool(readable) and not self.connection.recv(1)

    def do_POST(self):
        global count
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            count += 1
            number = count
        turn = sum(message["role"] == "assistant" for message in body.get("messages", []))
        key = self.headers.get("authorization") or self.headers.get("x-api-key")
        log({"number": number, "path": self.path, "turn": turn, "time": time.time(), "key": key, "body": body})
        problem = fault(self.path, body)
        if problem:
            return self.answer(400, {"error": {"message": problem, "type": "invalid_request_error"}})
        if self.path.endswith("/embeddings"):
            data = [{"object": "embedding", "index": i, "embedding": [float(len(text)), 0.5]}
                    for i, text in enumerate(body["input"])]
            return self.answer(200, {"object": "list", "data": data, "model": body["model"],
                                     "usage": {"prompt_tokens": 4, "total_tokens": 4}})
        turns = script["turns"]
        answer = turns[min(turn, len(turns) - 1)]
        if self.pause(script.get("delay", 0)):
            return log({"closed": number, "time": time.time()})
        with lock:
            failures[turn] = failures.get(turn, 0) + 1
            fails = "status" in answer and failures[turn] <= answer.get("fails", 1 << 30)
        if fails:
            headers = [("retry-after", str(answer["retry_after"]))] if "retry_after" in answer else []
            message = answer.get("message", "the model is overloaded")
            return self.answer(answer["status"], {"error": {"message": message, "type": "server_error"}}, headers)
        usage = answer.get("usage", [12, 5])
        is_openai = self.path.endswith("/chat/completions")
        events = (openai_answer if is_openai else anthropic_answer)(answer, body, usage)
        if not body.get("stream"):
            return self.answer(200, next(events))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for event in events:
                name = "" if is_openai else f"event: {event['type']}\n"
                self.wfile.write(f"{name}data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                if self.pause(answer.get("slow", 0)):
                    return log({"closed": number, "time": time.time()})
            if is_openai:
                self.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            log({"closed": number, "time": time.time()})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Tells of faults; that a client was killed in the middle of a request is none."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", int(script.get("port", 0))), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
