"""A provider that counts what it is asked, by model and prompt, and loses a model when it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Voice = Callable[[str, str], str]  # model and prompt → answer


class Upstream:
    """`gone_after`: how many prompts a model still answers, by its name; then it is not found."""

    def __init__(self, answer: Voice, *, seconds: float = 0.0) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.gone_after: dict[str, int] = {}
        self.lock = threading.Lock()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self.say(200, {"status": "ok"})

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                model, prompt = asked["model"], asked["messages"][-1]["content"]
                time.sleep(seconds)
                here = upstream.counts(model, prompt)
                self.say(200 if here else 404, said(model, answer(model, prompt)) if here else NOT_FOUND)

            def say(self, status: int, told: dict[str, Any]) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                return  # a client that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def counts(self, model: str, prompt: str) -> bool:
        with self.lock:
            left = self.gone_after.get(model, 1)
            if left > 0:
                self.asked[model, prompt] += 1
            if model in self.gone_after:
                self.gone_after[model] = left - 1
            return left > 0

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"


NOT_FOUND = {
    "error": {"message": "The model does not exist.", "type": "invalid_request_error", "code": "model_not_found"}
}


def said(model: str, text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}
