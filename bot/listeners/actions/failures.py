"""Failures: browse them on one card, make examples of them, and hand these over to the next version of the data."""

from __future__ import annotations

import re

from slack_bolt import Ack, App

from bot import actions as ids
from bot import cards
from bot.blocks import failures as blocks
from bot.clicks import Click, submitted, take
from bot.clicks import on as on_click
from bot.door import Door
from tools import lessons
from tools.context import TRAINER
from tools.datasets import pick_dataset
from trainer.errors import BadInput
from trainer.evals.failures import Failure

BROWSING = re.compile(f"{ids.FAILURE_CAUSE}_\\w+|{ids.FAILURE_NEXT}|{ids.FAILURE_BACK}")


def register(app: App, door: Door) -> None:
    on_click(app, door, ids.FAILURES, browse)
    on_click(app, door, ids.FAILURE_KEEP, keep)
    on_click(app, door, ids.FAILURE_WRITE, write)
    on_click(app, door, ids.NEXT_VERSION, next_version)

    @app.action(BROWSING)
    def stepped(ack: Ack, body: dict) -> None:
        ack()
        take(door, body, step)

    @app.view(ids.FAILURE_VIEW)
    def sent(ack: Ack, body: dict, view: dict) -> None:
        ack()
        prompt, answer = blocks.written(view)
        submitted(door, body, view, lambda click: _learn(click, prompt, answer))


def browse(click: Click) -> None:
    """A card of its own below the evaluation's."""
    click.once()
    found = lessons.browse(click.context, click.value)
    click.door.outbox.post(click.key("failures"), click.origin, cards.of_failures(click.context, found))


def step(click: Click) -> None:
    """The same card with another failure."""
    found, cause, at = _where(click)
    click.door.edit(click.channel, click.ts, cards.of_failures(click.context, found, cause, at))


def keep(click: Click) -> None:
    _learn(click, "", "")


def write(click: Click) -> None:
    click.caller.need(TRAINER, "make examples of failures")
    found, cause, at = _where(click)
    one = _one(found, cause, at)
    click.open(blocks.similar(found, one, click.value, click.origin | {"ts": click.ts}))


def _learn(click: Click, prompt: str, answer: str) -> None:
    found, cause, at = _where(click)
    row = _one(found, cause, at).row
    made = lessons.learn(click.context, found.evaluation.id, row.suite, row.id, answer=answer, prompt=prompt)
    click.door.outbox.post(click.key("lesson"), click.origin, blocks.kept(made))
    click.door.edit(click.channel, click.ts, cards.of_failures(click.context, found, cause, at))


def next_version(click: Click) -> None:
    click.once()
    row = pick_dataset(click.context, click.value)
    built, _ = lessons.next_version(click.context, row)
    shown = cards.show(click.context, {"card": "version", "id": built.dataset.id})
    if shown is not None:
        cards.post(click.door, click.key("version"), click.origin, shown)


def _where(click: Click) -> tuple[lessons.Browsed, str, int]:
    evaluation_id, _, rest = click.value.partition("|")
    cause, _, at = rest.partition("|")
    if not at.isdecimal():
        raise BadInput("That button carries nothing I know.", fix="Ask for the failures again.", code="bad_button")
    return lessons.browse(click.context, evaluation_id), cause, int(at)


def _one(found: lessons.Browsed, cause: str, at: int) -> Failure:
    every = blocks.of_cause(found, cause)
    if at >= len(every):
        raise BadInput("That failure is not there.", fix="Ask for the failures again.", code="bad_button")
    return every[at]
