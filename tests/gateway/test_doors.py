"""Keys, lists, health, unknown paths, and the log line."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2
import openai
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gateway.names import ALIAS_TTL_S
from tests.gateway.doorway import Door, add_model, free_port, open_door, point, until
from tests.gateway.scripted_engine import ScriptedEngine

A = "ft:tiny-base:local:a:11111111"
BODY = {"model": "tiny-base", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("authorization", [None, "Bearer sk-tune-wrong", "Bearer sk-other", "Basic eA==", "Bearer"])
def test_without_a_right_key_everything_is_401(door: Door, authorization: str | None) -> None:
    headers = {"authorization": authorization} if authorization else {}
    for answer in (
        httpx2.post(f"{door.url}/v1/chat/completions", json=BODY, headers=headers),
        httpx2.get(f"{door.url}/v1/models", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
    assert not door.engine.seen


def test_a_revoked_key_stops_working_within_its_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    row, secret = door.services.keys.create("short-lived", by="cli:tests")
    client = door.client(secret)
    assert client.models.list().data
    door.services.keys.revoke(row.id)

    def refused() -> bool:
        try:
            client.models.list()
        except openai.AuthenticationError:
            return True
        return False

    until(refused, seconds=6)


def test_the_list_holds_aliases_models_and_bases(door: Door) -> None:
    add_model(door.services, A)
    point(door.services, "tickets", A, expected=0)
    listed = {m.id: m for m in door.client().models.list().data}
    assert list(listed) == ["tickets", A, "tiny-base"]
    assert listed["tickets"].to_dict()["root"] == A
    assert {m.object for m in listed.values()} == {"model"}
    assert door.client().models.retrieve(A).created == 1_700_000_000


def test_a_model_that_is_not_there_is_404(door: Door) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        door.client().models.retrieve("nobody")
    assert caught.value.code == "model_not_found"


def test_health_needs_no_key_and_names_what_is_missing(tmp_path: Path, engine: ScriptedEngine) -> None:
    with open_door(tmp_path, f"http://127.0.0.1:{free_port()}", engine) as door:
        answer = httpx2.get(f"{door.url}/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "ok", "engine": "unreachable"}


def test_health_is_ok_when_all_is_well(door: Door) -> None:
    assert httpx2.get(f"{door.url}/health").json()["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/docs", 404),
    ],
)
def test_wrong_paths_and_methods_answer_in_openais_shape(door: Door, method: str, path: str, status: int) -> None:
    answer = httpx2.request(method, f"{door.url}{path}", headers=door.headers)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_one_line_a_request_and_no_key_in_it(door: Door) -> None:
    point(door.services, "tickets", A, expected=0)
    with capture_logs() as lines:
        headers = {**door.headers, "x-request-id": "mine-1"}
        answer = httpx2.post(f"{door.url}/v1/chat/completions", json={**BODY, "model": "tickets"}, headers=headers)
        httpx2.get(f"{door.url}/v1/models?key={door.key}", headers=door.headers)
        until(lambda: len(lines) == 2)
    assert answer.headers["x-request-id"] == "mine-1"
    line = lines[0]
    assert (line["status"], line["alias"], line["model"], line["request_id"]) == (200, "tickets", A, "mine-1")
    assert line["key"].startswith("key-")
    assert door.key not in str(lines)


def test_a_known_alias_still_answers_while_the_database_is_away(door: Door) -> None:
    point(door.services, "tickets", A, expected=0)
    client = door.client()
    ask = {"model": "tickets", "messages": BODY["messages"]}
    client.chat.completions.create(**ask)  # type: ignore[arg-type]
    with door.services.db.write() as session:
        session.execute(text("ALTER TABLE aliases RENAME TO elsewhere"))
    time.sleep(ALIAS_TTL_S + 0.1)
    assert client.chat.completions.create(**ask).model == A  # type: ignore[arg-type]
