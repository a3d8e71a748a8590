"""The engine over real HTTP, asked by the real openai client."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn
from starlette.applications import Starlette

from trainer.errors import NotFound
from trainer.inference.engine import ModelRef, create_app
from trainer.inference.model import load
from trainer.settings import load_settings
from trainer.types import ChatMessage, GenerateRequest

HELLO: list[Any] = [{"role": "user", "content": "hello there"}]


class Server:
    """An app on a free port, until closed."""

    def __init__(self, app: Starlette) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],), daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)
        self.client = openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=60)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=15)


@pytest.fixture(scope="module")
def resolve(pebble: Path, adapters: dict[str, str]) -> Any:
    known = {"pebble": ModelRef("pebble", str(pebble))}
    for name, folder in adapters.items():
        known[f"ft:pebble:{name}"] = ModelRef(f"ft:pebble:{name}", str(pebble), folder, folder)

    def find(name: str) -> ModelRef:
        if name not in known:
            raise NotFound(f"There is no model called “{name}”.", param="model")
        return known[name]

    return find


@pytest.fixture(scope="module")
def server(resolve: Any) -> Iterator[Server]:
    running = Server(create_app(load_settings(max_new_tokens=32), resolve, preload=["pebble"], adapters=1))
    yield running
    running.close()


def complete(server: Server, model: str = "pebble", **options: Any) -> Any:
    given = {"messages": HELLO, "temperature": 0, "max_tokens": 8} | options
    return server.client.chat.completions.create(model=model, **given)


def test_an_answer_is_what_the_generator_says(server: Server, pebble: Path) -> None:
    request = GenerateRequest((ChatMessage("user", "hello there"),), max_tokens=8)
    said = load(str(pebble)).generate([request])[0]
    answer = complete(server)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (said.text, said.finish_reason)
    assert answer.usage.total_tokens == said.prompt_tokens + said.completion_tokens
    assert answer.object == "chat.completion" and answer.model == "pebble"


def test_a_stream_adds_up_and_ends_with_usage(server: Server) -> None:
    whole = complete(server)
    chunks = list(complete(server, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == whole.choices[0].finish_reason
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    assert all(not c.choices or c.usage is None for c in chunks)


def test_base_and_adapters_answer_side_by_side(server: Server) -> None:
    names = ["pebble", "ft:pebble:one", "ft:pebble:two"] * 4
    alone = {name: complete(server, name).choices[0].message.content for name in set(names)}
    with ThreadPoolExecutor(12) as crowd:
        together = list(crowd.map(lambda name: complete(server, name).choices[0].message.content, names))
    assert together == [alone[name] for name in names]
    assert len(set(alone.values())) == 3


def test_sampling_options_are_honoured(server: Server) -> None:
    warm = {"temperature": 1.5, "max_completion_tokens": 12}
    one, again, other = (complete(server, seed=seed, **warm).choices[0].message.content for seed in (1, 1, 2))
    assert one == again != other
    assert complete(server, max_tokens=3).usage.completion_tokens <= 3
    assert complete(server, max_tokens=500).usage.completion_tokens <= 32


def test_a_stop_string_ends_the_answer(server: Server) -> None:
    whole = complete(server, max_tokens=20).choices[0].message.content
    stop = whole[len(whole) // 2 :][:3]
    cut = complete(server, max_tokens=20, stop=[stop]).choices[0]
    assert (cut.message.content, cut.finish_reason) == (whole[: whole.index(stop)], "stop")


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"temperature": 3}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(server: Server, options: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        complete(server, **options)
    assert caught.value.param == param and caught.value.type == "invalid_request_error"


def test_an_unknown_model_is_404_in_openais_shape(server: Server) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        complete(server, "nobody")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_beyond_the_context_is_refused_before_any_token(server: Server, stream: bool) -> None:
    long = [{"role": "user", "content": "word " * 500}]
    with pytest.raises(openai.BadRequestError) as caught:
        complete(server, messages=long, stream=stream)
    assert caught.value.code == "context_length_exceeded"


def test_a_body_that_is_not_json_is_told_so(server: Server) -> None:
    request = urllib.request.Request(f"{server.url}/v1/chat/completions", data=b"{nope", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 400
    assert json.load(caught.value)["error"]["code"] == "invalid_json"


def test_models_and_health_tell_what_is_loaded(server: Server) -> None:
    complete(server, "ft:pebble:one")
    names = [model.id for model in server.client.models.list()]
    assert names[0] == "pebble" and "ft:pebble:one" in names
    health = server.get("/health")
    assert health["status"] == "ok" and health["loaded"] == names and health["rss_bytes"] > 10**7


class Slow:
    """A generator that answers one token every tenth of a second: for time-outs, queues and callers who leave."""

    context = 100

    def __init__(self, base: str) -> None:
        from trainer.inference.chat import load_tokenizer

        self.tokenizer = load_tokenizer(base)
        self.rows: list[Any] = []

    def row(self, request: GenerateRequest, on_text: Any = None) -> Any:
        from trainer.inference.decode import Row

        return Row(request, [9], request.max_tokens, on_text)

    def run(self, rows: list[Any]) -> None:
        self.rows += rows
        while not all(row.done for row in rows):
            time.sleep(0.1)
            for row in rows:
                if not row.done:
                    row.take(50, frozenset({1}), self.tokenizer)


@pytest.fixture
def slow(resolve: Any) -> Iterator[tuple[Server, list[Slow]]]:
    made: list[Slow] = []

    def make(base: str) -> Any:
        made.append(Slow(base))
        return made[-1]

    running = Server(create_app(load_settings(), resolve, load_base=make, places=1, timeout_s=1.5))
    yield running, made
    running.close()


def test_a_request_that_takes_too_long_ends_and_frees_the_engine(slow: tuple[Server, list[Slow]]) -> None:
    server, made = slow
    with pytest.raises(openai.APIStatusError) as caught:
        complete(server, max_tokens=900)
    assert caught.value.status_code == 503 and caught.value.code == "timeout"
    assert complete(server, max_tokens=2).usage.completion_tokens == 2
    assert made[0].rows[0].cancelled


def test_a_caller_who_leaves_stops_the_model(slow: tuple[Server, list[Slow]]) -> None:
    server, made = slow
    stream = complete(server, max_tokens=900, stream=True)
    next(iter(stream))
    stream.close()
    until = time.monotonic() + 1.2
    while not made[0].rows[0].done and time.monotonic() < until:
        time.sleep(0.05)
    assert made[0].rows[0].reason == "cancelled"


def test_a_full_queue_says_when_to_come_back(slow: tuple[Server, list[Slow]]) -> None:
    server, _ = slow
    with ThreadPoolExecutor(6) as crowd:
        asked = [crowd.submit(complete, server, max_tokens=8) for _ in range(1)]
        time.sleep(0.3)
        asked += [crowd.submit(complete, server, max_tokens=8) for _ in range(5)]
        errors = [error for future in asked if isinstance(error := future.exception(), openai.RateLimitError)]
    assert errors and errors[0].code == "engine_busy"
    assert errors[0].response.headers["retry-after"] == "1"
