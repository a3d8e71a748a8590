"""A scripted OpenAI-compatible server on the loopback: says what it was told to, remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


class ScriptedLLM(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Json] = []
        self.asked: list[Json] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def says(self, text: str) -> None:
        self.script.append({"role": "assistant", "content": text})

    def calls(self, name: str, **arguments: Any) -> None:
        call = {"name": name, "arguments": json.dumps(arguments)}
        calls = [{"id": f"call_{len(self.script)}_{len(self.asked)}", "type": "function", "function": call}]
        self.script.append({"role": "assistant", "content": None, "tool_calls": calls})

    def says_broken_call(self, name: str) -> None:
        """A tool call whose arguments are no JSON."""
        call = {"id": "call_broken", "type": "function", "function": {"name": name, "arguments": "{oops"}}
        self.script.append({"role": "assistant", "content": None, "tool_calls": [call]})

    def fails(self, status: int) -> None:
        self.script.append({"status": status})


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedLLM

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        said = self.server.script.pop(0) if self.server.script else {"role": "assistant", "content": "(no script)"}
        if "status" in said:
            self._send(said["status"], {"error": {"message": "secret traceback", "type": "server_error"}})
            return
        reason = "tool_calls" if said.get("tool_calls") else "stop"
        choice = {"index": 0, "message": said, "finish_reason": reason}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"]}
        self._send(200, {**head, "choices": [choice], "usage": usage})

    def _send(self, status: int, body: Json) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def scripted_llm() -> Iterator[ScriptedLLM]:
    server = ScriptedLLM()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
