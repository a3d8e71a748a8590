"""A sandbox per test, and a real Bolt app in Socket Mode against it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox.cast import ADA, APP_TOKEN, BOT_TOKEN
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.server import SandboxThread, running_sandbox

Connect = Callable[..., SocketModeHandler]


@pytest.fixture
def sandbox() -> Iterator[SandboxThread]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def driver(sandbox: SandboxThread) -> SandboxDriver:
    return SandboxDriver(sandbox.base_url)


@pytest.fixture
def ada(driver: SandboxDriver) -> Person:
    return driver.as_person(ADA)


@pytest.fixture
def client(sandbox: SandboxThread) -> WebClient:
    return WebClient(BOT_TOKEN, base_url=sandbox.api_url)


@pytest.fixture
def app(client: WebClient) -> App:
    return App(client=client, ignoring_self_events_enabled=True)


@pytest.fixture
def connect(sandbox: SandboxThread, driver: SandboxDriver) -> Iterator[Connect]:
    """connect(app) opens a Socket Mode connection; all are closed when the test ends."""
    handlers: list[SocketModeHandler] = []

    def open_one(app: App) -> SocketModeHandler:
        handler = SocketModeHandler(app, APP_TOKEN, web_client=WebClient(APP_TOKEN, base_url=sandbox.api_url))
        handler.connect()
        handlers.append(handler)
        driver.wait_for_connection(sum(1 for h in handlers if h.client and h.client.is_connected()))
        return handler

    yield open_one
    for handler in handlers:
        if handler.client:
            handler.client.auto_reconnect_enabled = False
    driver.disconnect(abrupt=True)  # so that closing need not wait for the socket's read timeout
    for handler in handlers:
        with contextlib.suppress(AttributeError):  # the SDK's own race between two closings
            handler.close()


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """eventually(look) returns the first true value of look(), or fails after a few seconds."""

    def wait(look: Callable[[], Any], seconds: float = 5.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.02)
        return found

    return wait
