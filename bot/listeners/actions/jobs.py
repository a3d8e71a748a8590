"""Cancel, on a job's card."""

from __future__ import annotations

from slack_bolt import App

from bot import actions as ids
from bot.clicks import Click, on
from bot.door import Door
from tools import training


def register(app: App, door: Door) -> None:
    on(app, door, ids.CANCEL, cancel)


def cancel(click: Click) -> None:
    training.cancel(click.context, click.value)
