"""Messages: DMs, mentions, replies in our threads, dropped files. The one place where words come in."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from slack_bolt import App

from bot import conversation
from bot.blocks import note
from bot.door import Door
from bot.inbox import Letter
from trainer.errors import LimitExceeded

log = structlog.get_logger()
Json = dict[str, Any]
CLOSE_S, BEHIND_S = 5.0, 1.0
LOOK_AGAIN_S = 0.05  # soon, so that it still finds its place in the thread's order
SPOKEN = (None, "file_share", "thread_broadcast")


def register(app: App, door: Door) -> None:
    @app.event("message")
    def on_message(event: Json) -> None:
        if event.get("subtype") in SPOKEN and not event.get("hidden"):
            receive(door, event)


def receive(door: Door, event: Json, *, waited: float = 0.0) -> None:
    """Take a message that is meant for us, once, and queue the work in its thread's lane."""
    if event.get("bot_id") or event.get("user") == door.us.user_id or not event.get("user"):
        return
    if not conversation.is_ours(door, event):
        if waited < BEHIND_S and _close_behind(event):
            later = threading.Timer(LOOK_AGAIN_S, receive, (door, event), {"waited": waited + LOOK_AGAIN_S})
            later.daemon = True
            later.start()
        return
    letter = door.inbox.take(event)
    if letter is not None:
        queue(door, letter)


def _close_behind(event: Json) -> bool:
    """A reply right after its thread began: events overtake each other, so the first message may come after it."""
    began = event.get("thread_ts")
    return bool(began) and float(event["ts"]) - float(began) < CLOSE_S


def queue(door: Door, letter: Letter) -> None:
    try:
        lane = f"{letter.channel}:{letter.thread_ts}"
        door.lanes.submit(lane, lambda: conversation.handle(door, letter), at=float(letter.ts))
    except LimitExceeded as error:
        log.warning("lanes_full", key=letter.key)
        door.whisper(letter.origin, letter.event["user"], note.error(error))
        door.inbox.done(letter)
