"""Train again with replay: the run that made the model, with as many old-task rows as new ones."""

from __future__ import annotations

from slack_bolt import App

from bot import actions as ids
from bot import cards
from bot.clicks import Click, on
from bot.door import Door
from tools import gates, training
from trainer.methods.spec import BESIDE

REPLAY = 1.0


def register(app: App, door: Door) -> None:
    on(app, door, ids.RETRAIN, retrain)


def retrain(click: Click) -> None:
    click.once()
    model = click.context.services.models.get(click.value)
    job = click.context.services.jobs.get(model.job_id)
    spec = {key: value for key, value in job.spec.items() if key not in BESIDE}
    again = {"replay": REPLAY, "gate": gates.again(job)}  # judged as the first one was
    asked = training.request(click.context, model.dataset_id, spec | again)
    card = cards.of_approval(click.context, asked.approval)
    click.door.outbox.post(click.key("approval"), click.origin, card)
    click.spend("Another run asked for")
