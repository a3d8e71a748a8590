"""Evaluate: queue the comparison; its living card follows by itself."""

from __future__ import annotations

from slack_bolt import App

from bot import actions as ids
from bot.clicks import Click, on
from bot.door import Door
from tools import evaluation


def register(app: App, door: Door) -> None:
    on(app, door, ids.EVALUATE, evaluate)


def evaluate(click: Click) -> None:
    click.once()
    evaluation.start(click.context, click.value)
    click.spend("Evaluation asked for")
