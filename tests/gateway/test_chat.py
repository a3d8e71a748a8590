"""Chat through the front door, with the real client."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx2
import openai
import pytest
from sqlalchemy import event

from tests.gateway.doorway import Door, add_model, free_port, open_door, point, served_engine, until
from tests.gateway.scripted_engine import ScriptedEngine

ASK = [{"role": "user", "content": "who are you?"}]
A, B = "ft:tiny-base:local:a:11111111", "ft:tiny-base:local:b:22222222"


def test_an_alias_answers_as_the_model_it_points_to(door: Door) -> None:
    point(door.services, "tickets", A, expected=0)
    raw = door.client().chat.completions.with_raw_response.create(model="tickets", messages=ASK)  # type: ignore[arg-type]
    answer = raw.parse()
    assert (answer.choices[0].message.content, answer.model) == (f"I am {A}", A)
    assert raw.headers["x-tunesmith-alias"] == "tickets"
    assert raw.headers["x-tunesmith-alias-revision"] == "1"
    assert raw.headers["x-tunesmith-model"] == A
    assert raw.headers["x-request-id"] == door.engine.request_ids[0]


def test_a_moved_alias_is_seen_within_a_second(door: Door) -> None:
    point(door.services, "tickets", A, expected=0)
    client = door.client()
    assert client.chat.completions.create(model="tickets", messages=ASK).model == A  # type: ignore[arg-type]
    point(door.services, "tickets", B, expected=1)
    moved_at = time.monotonic()
    until(lambda: client.chat.completions.create(model="tickets", messages=ASK).model == B)  # type: ignore[arg-type]
    assert time.monotonic() - moved_at < 1.0


@pytest.mark.parametrize("name", ["tiny-base", A])
def test_bases_and_models_answer_by_their_own_names(door: Door, name: str) -> None:
    add_model(door.services, A)
    raw = door.client().chat.completions.with_raw_response.create(model=name, messages=ASK)  # type: ignore[arg-type]
    assert raw.parse().model == name
    assert "x-tunesmith-alias" not in raw.headers


def test_a_stream_arrives_word_by_word_with_usage_at_the_end(door: Door) -> None:
    point(door.services, "tickets", A, expected=0)
    chunks = list(
        door.client().chat.completions.create(
            model="tickets",
            messages=ASK,  # type: ignore[arg-type]
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert [c.choices[0].delta.content for c in chunks if c.choices] == ["one ", "two ", "three"]
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 3
    assert {c.model for c in chunks} == {A}


def test_every_other_field_reaches_the_engine_as_it_was_sent(door: Door) -> None:
    messages = b'[{"role":"user","content":"\xc3\xa9 \\u00e9"}]'
    body = b'{"model":"tiny-base","messages":' + messages + b',"big":12345678901234567890123,"n":1.0}'
    httpx2.post(f"{door.url}/v1/chat/completions", content=body, headers=door.headers).raise_for_status()
    assert door.engine.seen == [json.loads(body)]


def test_an_unknown_name_is_404_in_openais_shape(door: Door) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        door.client().chat.completions.create(model="nobody", messages=ASK)  # type: ignore[arg-type]
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert caught.value.type == "invalid_request_error"
    assert not door.engine.seen


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b'{"model": "\xff"}', "invalid_json"),
        (b'{"model":"tiny-base","messages":' + b"[" * 5000 + b"]" * 5000 + b"}", "invalid_json"),
        (b"[]", "invalid_type"),
        (b'{"messages":[{"role":"user"}]}', "missing_required_parameter"),
        (b'{"model":"tiny-base"}', "missing_required_parameter"),
        (b'{"model":7,"messages":[{"role":"user"}]}', "invalid_type"),
        (b'{"model":"tiny-base","messages":"hello"}', "invalid_type"),
        (b'{"model":"tiny-base","messages":["hello"]}', "invalid_type"),
        (b'{"model":"tiny-base","messages":[]}', "invalid_value"),
        (b'{"model":"tiny-base","messages":[{"role":"user"}],"stream":"yes"}', "invalid_type"),
        (
            b'{"model":"tiny-base","messages":[' + b",".join([b'{"role":""}'] * 2001) + b'],"x":""}',
            "request_too_large",
        ),
    ],
)
def test_a_body_that_does_not_fit_never_reaches_the_engine(door: Door, body: bytes, code: str) -> None:
    answer = httpx2.post(f"{door.url}/v1/chat/completions", content=body, headers=door.headers)
    assert answer.status_code == (413 if code == "request_too_large" else 400)
    assert answer.json()["error"]["code"] == code
    assert not door.engine.seen


@pytest.mark.parametrize("size", [25_000, 150_000, 5_000_000])
def test_a_large_body_is_413_and_its_sender_sees_the_answer(door: Door, size: int) -> None:
    def parts():  # type: ignore[no-untyped-def]
        for _ in range(size // 1000):
            yield b"x" * 1000

    for content in (b"x" * size, parts()):
        try:
            answer = httpx2.post(f"{door.url}/v1/chat/completions", content=content, headers=door.headers)
        except httpx2.TransportError:
            assert size > 1_000_000  # far beyond patience, the connection may just close
            continue
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "request_too_large"
    assert not door.engine.seen


def test_the_engines_own_refusal_is_passed_on(door: Door) -> None:
    refusal = {"error": {"message": "Too long.", "type": "invalid_request_error", "param": None, "code": "c"}}
    door.engine.fail_with = (400, refusal)
    with pytest.raises(openai.BadRequestError) as caught:
        door.client().chat.completions.create(model="tiny-base", messages=ASK)  # type: ignore[arg-type]
    assert caught.value.code == "c"


def test_without_an_engine_it_is_503_with_a_time_to_retry(tmp_path: Path, engine: ScriptedEngine) -> None:
    with open_door(tmp_path, f"http://127.0.0.1:{free_port()}", engine) as door:
        with pytest.raises(openai.InternalServerError) as caught:
            door.client().chat.completions.create(model="tiny-base", messages=ASK)  # type: ignore[arg-type]
        assert caught.value.status_code == 503
        assert caught.value.code == "engine_unavailable"
        assert int(caught.value.response.headers["retry-after"]) > 0


def test_an_engine_that_comes_back_is_used_again(tmp_path: Path, engine: ScriptedEngine) -> None:
    port = free_port()
    with open_door(tmp_path, f"http://127.0.0.1:{port}", engine) as door:
        for _ in range(2):
            with served_engine(engine, port):
                assert door.client().chat.completions.create(model="tiny-base", messages=ASK)  # type: ignore[arg-type]


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_stops_the_engine(door: Door, stream: bool) -> None:
    door.engine.stall = True
    body = {"model": "tiny-base", "messages": ASK, "stream": stream}
    url = f"{door.url}/v1/chat/completions"
    with (
        pytest.raises(httpx2.ReadTimeout),
        httpx2.stream("POST", url, json=body, headers=door.headers, timeout=0.5) as answer,
    ):
        next(answer.iter_raw())
        raise httpx2.ReadTimeout("enough read")
    assert door.engine.cancelled.wait(5)


def test_a_stream_that_breaks_off_ends_in_an_error_event(door: Door) -> None:
    door.engine.break_off = True
    stream = door.client().chat.completions.create(model="tiny-base", messages=ASK, stream=True)  # type: ignore[arg-type]
    with pytest.raises(openai.APIError, match="broke off"):
        list(stream)


def test_more_at_once_than_allowed_is_429(tmp_path: Path, engine: ScriptedEngine) -> None:
    with served_engine(engine) as url, open_door(tmp_path, url, engine, max_in_flight=1) as door:
        engine.stall = True
        body = {"model": "tiny-base", "messages": ASK, "stream": True}
        url = f"{door.url}/v1/chat/completions"
        with (
            httpx2.stream("POST", url, json=body, headers=door.headers),
            pytest.raises(openai.RateLimitError) as caught,
        ):
            door.client().chat.completions.create(model="tiny-base", messages=ASK)  # type: ignore[arg-type]
        assert caught.value.response.headers["retry-after"] == "1"
        engine.stall = False
        until(lambda: door.client().chat.completions.create(model="tiny-base", messages=ASK))  # type: ignore[arg-type]


def test_a_bases_name_does_not_cost_a_query_at_every_request(door: Door) -> None:
    asked: list[str] = []
    event.listen(door.services.db.engine, "before_cursor_execute", lambda *event: asked.append(event[2]))
    client = door.client()
    for _ in range(20):
        client.chat.completions.create(model="tiny-base", messages=ASK)  # type: ignore[arg-type]
    assert sum("FROM aliases" in statement for statement in asked) < 10
