"""Split: a modal asks what stays together; a dataset that is split already tells how."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App

from bot import actions as ids
from bot.blocks import dataset_views, note
from bot.blocks.mrkdwn import esc
from bot.clicks import Click, on, submitted
from bot.door import Door
from tools import datasets, sentences
from tools.datasets.columns import key_path
from tools.datasets.splitting import need_trainable

Json = dict[str, Any]


def register(app: App, door: Door) -> None:
    on(app, door, ids.SPLIT, ask)

    @app.view(ids.SPLIT_VIEW)
    def chosen(ack: Ack, body: Json, view: Json) -> None:
        try:
            options = dataset_views.split_chosen(view)
        except ValueError as error:
            block, said = error.args
            ack(response_action="errors", errors={block: said})
            return
        ack()
        submitted(door, body, view, lambda click: _split(click, options))


def ask(click: Click) -> None:
    row = datasets.pick_dataset(click.context, click.value)
    need_trainable(row)
    if row.split:
        _say(click, sentences.split(row, row.split))
        return
    click.open(dataset_views.split(row, click.origin | {"ts": click.ts}))


def _split(click: Click, options: Json) -> None:
    row = datasets.pick_dataset(click.context, click.value)
    options |= {k: key_path(click.context, row, options[k]) for k in ("group", "stratify") if k in options}
    _say(click, sentences.split(row, datasets.make_split(click.context, row, **options)))


def _say(click: Click, sentence: str) -> None:
    click.door.outbox.post(click.key("answer"), click.origin, note.line(esc(sentence)))
