"""Download report: the page and every finding, uploaded into the thread."""

from __future__ import annotations

from slack_bolt import App

from bot import actions as ids
from bot.attachments import attach, with_report
from bot.clicks import Click, on
from bot.door import Door
from tools import datasets
from trainer.errors import Conflict, Unavailable

AGAIN_S = 60.0


def register(app: App, door: Door) -> None:
    on(app, door, ids.DOWNLOAD, download)


def download(click: Click) -> None:
    row = datasets.pick_dataset(click.context, click.value)
    if not click.door.guard.first(f"report:{click.channel}:{click.origin['thread_ts']}:{row.id}", within_s=AGAIN_S):
        raise Conflict("The report is in this thread already.", fix="Look below the card.", code="pressed_twice")
    if not attach(click.door, click.origin, with_report(click.context, row)):
        raise Unavailable("Slack did not take the report.", fix="Press it again in a minute.", code="no_upload")
