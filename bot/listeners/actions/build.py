"""Add and Discard under an example that was made of a thread."""

from __future__ import annotations

from slack_bolt import App

from bot import actions as ids
from bot.blocks import build
from bot.clicks import Click, on
from bot.door import Door
from tools import building


def register(app: App, door: Door) -> None:
    on(app, door, ids.BUILD_ADD, lambda click: add(click, redact=False))
    on(app, door, ids.BUILD_ADD_REDACTED, lambda click: add(click, redact=True))
    on(app, door, ids.BUILD_DISCARD, discard)


def add(click: Click, *, redact: bool) -> None:
    click.once()
    built = building.add_draft(click.context, click.value, redact=redact)
    click.spend("Added without personal data" if redact else "Added")
    click.door.outbox.post(f"built:{built.dataset.id}", click.origin, build.added(built))


def discard(click: Click) -> None:
    building.discard_draft(click.context, click.value)
    click.spend("Discarded")
