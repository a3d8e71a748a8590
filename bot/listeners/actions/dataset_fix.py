"""Fix, Redact and the columns of a dataset: each makes a new version beside the old one, with a card of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from bot import actions as ids
from bot import cards
from bot.attachments import attach, with_fix
from bot.blocks import dataset_views, note
from bot.blocks.kit import Card
from bot.blocks.kit import context as context_block
from bot.blocks.mrkdwn import code, name, person
from bot.clicks import Click, on, submitted
from bot.door import Door
from bot.progress import Line, Progress
from tools import datasets
from tools.datasets.columns import mapping_for
from trainer.errors import BadInput, Conflict, TunesmithError
from trainer.store.tables import Dataset

Json = dict[str, Any]
Verb = Callable[[Progress], datasets.Fixed]


def register(app: App, door: Door) -> None:
    on(app, door, ids.FIX, fix)
    on(app, door, ids.REDACT, redact)
    on(app, door, ids.USE_COLUMNS, use_columns)
    on(app, door, ids.CHOOSE_COLUMNS, choose_columns)

    @app.view(ids.COLUMNS_VIEW)
    def chosen(ack: Ack, body: Json, view: Json) -> None:
        problem = dataset_views.wrong_columns(view)
        if problem:
            ack(response_action="errors", errors=problem)
            return
        ack()
        submitted(door, body, view, lambda click: map_as_chosen(click, dataset_views.numbers_chosen(view)))


def fix(click: Click) -> None:
    row = _begun(click, "fix")
    _mend(click, row, "Mending", lambda tell: datasets.fix(click.context, row.id, on_progress=tell))


def redact(click: Click) -> None:
    row = _begun(click, "redact")
    _mend(click, row, "Redacting", lambda tell: datasets.redact(click.context, row.id, on_progress=tell))


def use_columns(click: Click) -> None:
    """Read the columns as the report proposes; the proposal is looked up again, not taken from the button."""
    row = datasets.pick_dataset(click.context, click.value)
    proposed = mapping_for(click.context, row)
    if not proposed:
        raise BadInput("There is no proposal for these columns.", fix="Press Choose columns.", code="no_mapping")
    _map(click, proposed)


def choose_columns(click: Click) -> None:
    row = datasets.pick_dataset(click.context, click.value)
    proposed = mapping_for(click.context, row)
    names = datasets.columns_of(click.context, row)
    click.open(dataset_views.columns(row, names, proposed, click.origin | {"ts": click.ts}))


def map_as_chosen(click: Click, numbers: dict[str, int]) -> None:
    names = datasets.columns_of(click.context, datasets.pick_dataset(click.context, click.value))
    if any(not 0 <= number < len(names) for number in numbers.values()):
        raise BadInput("Those columns are not this file's.", fix="Press Choose columns again.", code="bad_mapping")
    _map(click, {part: names[number] for part, number in numbers.items()})


def _map(click: Click, mapping: dict[str, str]) -> None:
    row = _begun(click, "map")
    _mend(click, row, "Checking", lambda tell: datasets.map_columns(click.context, row.id, mapping, on_progress=tell))


def _begun(click: Click, kind: str) -> Dataset:
    """The dataset, if this has not been asked of it before: a slow first press may be done when the second comes."""
    click.once()
    row = datasets.pick_dataset(click.context, click.value)
    made = [v for v in click.context.services.datasets.children(row.id) if v.change.get("kind") == kind]
    if made and not made[-1].deleted_at:
        raise Conflict(
            f"That was done already: {made[-1].id} is version {made[-1].version}.",
            fix=f"Go on with it, or say: check {made[-1].id}",
            code="done_already",
        )
    return row


def _mend(click: Click, row: Dataset, doing: str, verb: Verb) -> None:
    """Do it under a living line; then the news of it, the new version's report, and no buttons on the old one."""
    line = Line(click.door, click.origin, click.key("line"), row.filename, doing, "Checking the new version of")
    line.start()
    try:
        made = verb(line.tell)
    except TunesmithError as error:
        line.settle(note.error(error))
        return
    except Exception:
        line.over(f"❌ *{name(row.filename)}*: that failed on my side.")
        raise
    line.settle(cards.of_version(click.context, made.dataset))
    _tell_version(click, made.dataset)
    _spend(click, row, made.dataset)


def _tell_version(click: Click, row: Dataset) -> None:
    """The new version's own report with its buttons, and the files that go with it."""
    click.door.outbox.post(click.key("version"), click.origin, cards.of_dataset(click.context, row))
    attach(click.door, click.origin, with_fix(click.context, row))


def _spend(click: Click, row: Dataset, made: Dataset) -> None:
    """The old version's card without its buttons, and where it went on."""
    card = cards.of_dataset(click.context, row)
    kept = [block for block in card.blocks if block["type"] != "actions"]
    said = context_block(f"Version {made.version}, {code(made.id)}, was made of it by {person(click.caller.user)}.")
    click.door.edit(click.channel, click.ts, Card(card.text, [*kept, said]))
