"""The buttons under a dataset report: Train and Estimate."""

from __future__ import annotations

from slack_bolt import App

from bot import actions as ids
from bot import cards
from bot.blocks import note
from bot.blocks.mrkdwn import esc
from bot.clicks import Click, on
from bot.door import Door
from tools import datasets, sentences, training


def register(app: App, door: Door) -> None:
    on(app, door, ids.TRAIN, train)
    on(app, door, ids.ESTIMATE, estimate)


def train(click: Click) -> None:
    """Ask for a run with the defaults; the card that follows is what somebody approves."""
    click.once()
    asked = training.request(click.context, click.value, {})
    card = cards.of_approval(click.context, asked.approval)
    click.door.outbox.post(click.key("approval"), click.origin, card)


def estimate(click: Click) -> None:
    row = datasets.pick_dataset(click.context, click.value)
    spec = training.spec_of(click.context, row, {})
    made = training.plan(click.context, row, spec).estimate
    _say(click, sentences.estimate(row, spec, made))


def _say(click: Click, sentence: str) -> None:
    click.door.outbox.post(click.key("answer"), click.origin, note.line(esc(sentence)))
