"""Events over HTTP: signed requests are served, all others are refused."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier

from bot.app import running
from bot.door import Door
from bot.sandbox.cast import ADA, BOT_USER_ID, FINE_TUNING, SIGNING_SECRET, TEAM_ID
from bot.sandbox.driver import Person
from tests.conftest import free_port
from trainer.errors import BadInput
from trainer.services import Services
from trainer.settings import Settings


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    secret = {"slack_signing_secret": SecretStr(SIGNING_SECRET), "slack_http_port": free_port()}
    return settings.model_copy(update=secret)


@pytest.fixture(scope="module")
def web(services: Services) -> Iterator[Door]:
    with running(services) as door:
        yield door


def send(door: Door, body: dict, secret: str = SIGNING_SECRET, age: int = 0) -> int:
    data, at = json.dumps(body), str(int(time.time()) - age)
    url = f"http://127.0.0.1:{door.settings.slack_http_port}/slack/events"
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=data) or ""
    headers = {"Content-Type": "application/json", "X-Slack-Signature": signature, "X-Slack-Request-Timestamp": at}
    request = urllib.request.Request(url, data.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def mention(ts: str) -> dict:
    event = {"type": "message", "user": ADA, "channel": FINE_TUNING, "ts": ts, "text": f"<@{BOT_USER_ID}> models"}
    event |= {"team": TEAM_ID, "channel_type": "channel"}
    return {"type": "event_callback", "team_id": TEAM_ID, "event_id": f"Ev{ts}", "event": event, "authorizations": []}


def test_a_signed_event_is_answered(web: Door, ada: Person) -> None:
    ts = ada.say(FINE_TUNING, "a message that only the test hands on")
    assert send(web, mention(ts)) == 200
    ada.wait_for_text(FINE_TUNING, ts, "Bases: ")


@pytest.mark.parametrize(("secret", "age"), [("wrong", 0), (SIGNING_SECRET, 3600)])
def test_unsigned_and_old_requests_are_refused(web: Door, ada: Person, secret: str, age: int) -> None:
    ts = ada.say(FINE_TUNING, "nothing comes of this")
    assert send(web, mention(ts), secret, age) == 401
    assert len(ada.replies(FINE_TUNING, ts)) == 1


def test_without_a_signing_secret_no_port_is_opened(services: Services, settings: Settings) -> None:
    from dataclasses import replace

    bare = replace(services, settings=settings.model_copy(update={"slack_signing_secret": SecretStr("")}))
    with pytest.raises(BadInput, match="signing secret"), running(bare):
        pass
