"""Full report: the evaluation as one page, every answer in it, uploaded into the thread."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slack_bolt import App

from bot import actions as ids
from bot.attachments import Files, attach
from bot.clicks import Click, on
from bot.door import Door
from bot.pictures import DRAWING
from tools import polls
from tools.evaluation_report import page
from trainer.errors import Conflict, Unavailable
from trainer.services import Services
from trainer.store.tables import Evaluation

AGAIN_S = 60.0


def register(app: App, door: Door) -> None:
    on(app, door, ids.REPORT, report)


def report(click: Click) -> None:
    row = polls.opened(click.context, click.value)
    if not click.door.guard.first(f"report:{click.channel}:{click.origin['thread_ts']}:{row.id}", within_s=AGAIN_S):
        raise Conflict("The report is in this thread already.", fix="Look below the card.", code="pressed_twice")
    if not attach(click.door, click.origin, _files(click.door.services, row)):
        raise Unavailable("Slack did not take the report.", fix="Press it again in a minute.", code="no_upload")


def _files(services: Services, row: Evaluation) -> Files:
    def made(folder: Path) -> Iterable[dict[str, Any] | None]:
        with DRAWING:
            text = page(services, row)
        path = folder / f"{row.id}.html"
        path.write_text(text, encoding="utf-8")
        yield {"file": str(path), "filename": path.name, "title": f"{row.verdict}: {row.model_id}"[:150]}

    return made
