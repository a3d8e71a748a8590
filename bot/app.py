"""Settings → services → Bolt → Socket Mode (or HTTP events): the Slack door, opened."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.door import Door
from bot.guard import Guard, Ourselves, ourselves
from bot.inbox import Inbox
from bot.lanes import Lanes
from bot.listeners import register_all
from bot.listeners.actions.poll import catch_up
from bot.listeners.events.messages import queue
from bot.notifier import Notifier
from bot.outbox import Outbox
from bot.paint import Painter
from bot.slack import AWAY, app_token, code_of, may_pass, posting_client, reading_client, with_sandbox_roles
from trainer.errors import BadInput, Unavailable
from trainer.services import Services

log = structlog.get_logger()
ABANDONED_EVERY_S = 15.0
WAIT_FOR_SLACK_S = 60.0


def make_door(services: Services) -> Door:
    """Know who we are and build what the listeners share. Unavailable when Slack does not answer."""
    settings = services.settings
    client, poster = reading_client(settings), posting_client(settings)
    us = _greet(client)
    return Door(
        services=services,
        us=us,
        client=client,
        poster=poster,
        guard=Guard(with_sandbox_roles(settings), services.db, client, us),
        inbox=Inbox(services.db),
        outbox=Outbox(services.db, poster, client, Painter(services)),
        lanes=Lanes(),
    )


def _greet(client: WebClient) -> Ourselves:
    """auth.test, again and again for a minute: on one machine everything starts at the same time."""
    until = time.monotonic() + WAIT_FOR_SLACK_S
    while True:
        try:
            return ourselves(client)
        except AWAY as error:
            if not may_pass(error):
                raise BadInput(
                    f"Slack refused the bot token ({code_of(error)}).",
                    fix="Check SLACK_BOT_TOKEN; without it the bot talks to the sandbox (tunesmith sandbox).",
                ) from None
            if time.monotonic() > until:
                raise Unavailable(
                    f"Slack does not answer at {client.base_url} ({code_of(error)}).",
                    fix="Check the network, or start the sandbox: tunesmith sandbox.",
                ) from None
        time.sleep(0.3)


def make_app(door: Door) -> App:
    """Bolt with every listener registered; a signing secret is checked on HTTP events only."""
    app = App(
        client=door.client,
        signing_secret=door.settings.slack_signing_secret.get_secret_value() or "unused-in-socket-mode",
        token_verification_enabled=False,
        ignoring_self_events_enabled=True,
    )
    register_all(app, door)

    @app.error
    def on_error(error: Exception) -> None:
        log.error("listener_failed", exc_info=error)

    return app


@contextmanager
def running(services: Services) -> Iterator[Door]:
    """The bot, connected and at work, for the length of a `with` block."""
    door = make_door(services)
    app = make_app(door)
    notifier = Notifier(door)
    connection = _connect(app, door)
    services.heartbeats.keep_beating("bot", team=door.us.team_id)
    notifier.start()
    chores = _Chores(door)
    chores.start()
    log.info("bot_ready", team=door.us.team_id)
    try:
        yield door
    finally:
        connection.close()
        chores.stop()
        notifier.stop()
        door.lanes.close()
        door.close()


def run(services: Services) -> None:
    """Serve until SIGTERM or SIGINT."""
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with running(services):
        done.wait()
    log.info("bot_stopped")


def _connect(app: App, door: Door) -> Any:
    if door.settings.slack_http_port > 0:
        from bot.http import HttpEvents

        return HttpEvents(app, door.settings)
    handler = SocketModeHandler(
        app, app_token(door.settings), web_client=reading_client(door.settings, app_token(door.settings))
    )
    handler.connect()
    return handler


class _Chores(threading.Thread):
    """Loads the agent, then now and then takes up messages whose process died over them.

    Not a daemon: an interpreter that ends while a thread imports a C++ extension aborts the process.
    """

    def __init__(self, door: Door) -> None:
        super().__init__(name="bot-chores")
        self.door = door
        self.done = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        _ = self.door.agent
        log.info("agent_ready", seconds=round(time.monotonic() - began, 2))
        catch_up(self.door)
        while True:
            try:
                for letter in self.door.inbox.abandoned():
                    log.warning("message_taken_up", key=letter.key, tries=letter.tries)
                    queue(self.door, letter)
            except Unavailable as error:
                log.warning("inbox_waits", reason=str(error))
            if self.done.wait(ABANDONED_EVERY_S):
                return

    def stop(self) -> None:
        self.done.set()
        self.join()
