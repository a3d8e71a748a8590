"""Planned failures."""

from __future__ import annotations

import time

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler

from bot.sandbox.cast import FINE_TUNING
from bot.sandbox.driver import Person, Refused, SandboxDriver


def test_the_next_call_fails_with_the_chosen_error(client: WebClient, driver: SandboxDriver) -> None:
    driver.fault("chat.postMessage", error="fatal_error")
    with pytest.raises(SlackApiError, match="fatal_error"):
        client.chat_postMessage(channel=FINE_TUNING, text="x")
    client.chat_postMessage(channel=FINE_TUNING, text="x")


def test_a_500_is_retried_by_the_sdk(client: WebClient, driver: SandboxDriver, ada: Person) -> None:
    client.retry_handlers.append(ServerErrorRetryHandler(max_retry_count=2))
    driver.fault("chat.postMessage", "status", status=503)
    client.chat_postMessage(channel=FINE_TUNING, text="x")
    assert len(ada.messages(FINE_TUNING)) == 1


def test_a_lost_answer_may_have_taken_effect(client: WebClient, driver: SandboxDriver, ada: Person) -> None:
    driver.fault("chat.postMessage", "drop", perform=True)
    client.chat_postMessage(channel=FINE_TUNING, text="x")  # the SDK retries connection errors once
    assert len(ada.messages(FINE_TUNING)) == 2


def test_429_and_delay(client: WebClient, driver: SandboxDriver) -> None:
    driver.fault("chat.update", "ratelimited", retry_after=7)
    driver.fault("chat.postMessage", "delay", seconds=0.3, contains="slow")
    client.chat_postMessage(channel=FINE_TUNING, text="quick")
    started = time.monotonic()
    ts = client.chat_postMessage(channel=FINE_TUNING, text="slow")["ts"]
    assert time.monotonic() - started >= 0.3
    with pytest.raises(SlackApiError) as refused:
        client.chat_update(channel=FINE_TUNING, ts=ts, text="x")
    assert refused.value.response.headers["Retry-After"] == "7"


def test_nonsense_is_refused_with_what_there_is(driver: SandboxDriver) -> None:
    with pytest.raises(Refused, match="invalid_arguments") as refused:
        driver.fault("chat.update", "gremlins")
    assert "ratelimited" in str(refused.value.answer)
