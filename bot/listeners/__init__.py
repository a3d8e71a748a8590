"""Everything that Slack sends us, one file a feature, each with `register(app, door)`."""

from __future__ import annotations

from slack_bolt import App

from bot.door import Door
from bot.listeners.actions import (
    advance,
    build,
    dataset_fix,
    dataset_report,
    dataset_split,
    decide,
    evaluate,
    failures,
    jobs,
    override,
    poll,
    promote,
    report_evaluation,
    retrain,
)
from bot.listeners.commands import tune
from bot.listeners.events import files, mentions, messages

FEATURES = (
    messages,
    mentions,
    files,
    decide,
    advance,
    build,
    dataset_fix,
    dataset_report,
    dataset_split,
    evaluate,
    report_evaluation,
    failures,
    retrain,
    promote,
    override,
    poll,
    jobs,
    tune,
)


def register_all(app: App, door: Door) -> None:
    for feature in FEATURES:
        feature.register(app, door)
