"""An OpenAI-shaped server on the loopback that answers by function: what it is asked in, what it says out."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Says = Callable[[Json], "str | int | float | bytes"]  # a text, an HTTP status, seconds to be silent, or any body
KEY = "sk-secret-0123456789abcdef"


class AugmentLLM(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, says: Says) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says = says
        self.asked: list[Json] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def prompts(self) -> list[str]:
        """The last user message of each row that was asked about, in the order of asking."""
        return [last_question(asked) for asked in self.asked]


def data_of(asked: Json) -> list[Json]:
    """The conversation between the marks."""
    said = asked["messages"][-1]["content"]
    found = re.search(r"<<<(DATA-\w+)\n(.*)\n\1>>>", said, re.DOTALL)
    assert found, said
    return json.loads(found[2])


def last_question(asked: Json) -> str:
    return next(m["content"] for m in reversed(data_of(asked)) if m["role"] == "user")


def well(asked: Json) -> str:
    """A good answer to each kind of request."""
    name = asked["response_format"]["json_schema"]["name"]
    said = data_of(asked)
    question, answer = last_question(asked), said[-1]["content"]
    if name == "paraphrase":
        return json.dumps({"paraphrases": [f"In other words {n}: {question}" for n in range(2)]})
    if name == "distill":
        return json.dumps({"answer": f"A better answer to: {question}"})
    pairs = [{"user": f"Variation {n} of {question}", "assistant": answer} for n in range(5)]
    return json.dumps({"variations": pairs})


class _Handler(BaseHTTPRequestHandler):
    server: AugmentLLM

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append(asked)
        said = self.server.says(asked)
        if isinstance(said, float):
            time.sleep(said)
            said = 500
        if isinstance(said, int):
            self._send(said, {"error": {"message": f"Incorrect API key provided: {KEY}", "type": "error"}})
            return
        if isinstance(said, bytes):
            self._send(200, said)
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"]}
        self._send(200, {**head, "choices": [choice], "usage": usage})

    def _send(self, status: int, body: Json | bytes) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            return  # whoever asked has gone

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def augment_llm(says: Says = well) -> Iterator[AugmentLLM]:
    server = AugmentLLM(says)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
