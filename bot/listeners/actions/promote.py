"""Promote and roll back. Both only ask: the modal takes an alias, and a second person decides on the card."""

from __future__ import annotations

import json
from typing import Any

from slack_bolt import Ack, App

from bot import actions as ids
from bot import cards
from bot.blocks import alias, note, override
from bot.clicks import Click, on
from bot.door import Door
from tools import promotion
from tools.context import TRAINER
from trainer.errors import Conflict, TunesmithError
from trainer.registry.aliases import check_name
from trainer.store.tables import Approval

Json = dict[str, Any]
SUGGESTED = "tickets"


def register(app: App, door: Door) -> None:
    on(app, door, ids.PROMOTE, ask_for_alias)
    on(app, door, ids.ROLL_BACK, roll_back)

    @app.view(ids.ALIAS_VIEW)
    def submitted(ack: Ack, body: Json, view: Json) -> None:
        typed = view["state"]["values"][ids.ALIAS_BLOCK][ids.ALIAS_INPUT]["value"] or ""
        try:
            name = check_name(typed.strip().lower())
        except TunesmithError as error:
            ack(response_action="errors", errors={ids.ALIAS_BLOCK: str(error)[:150]})
            return
        ack()
        _request(door, body, view, name)


def ask_for_alias(click: Click) -> None:
    """Open the modal; the trigger is good for three seconds."""
    click.caller.need(TRAINER, "ask for a promotion")
    model = click.context.services.models.get(click.value)
    spec = click.context.services.jobs.get(model.job_id).spec
    view = alias.modal(model.id, click.origin, (spec.get("gate") or {}).get("alias") or spec.get("suffix") or SUGGESTED)
    click.door.client.views_open(trigger_id=click.trigger_id, view=view)


def roll_back(click: Click) -> None:
    click.once()
    post(click.door, click.origin, click.context, promotion.request_rollback(click.context, click.value))


def _request(door: Door, body: Json, view: Json, name: str) -> None:
    kept = json.loads(view["private_metadata"])
    origin = {"channel": kept["channel"], "thread_ts": kept["thread_ts"]}
    user = str((body.get("user") or {}).get("id") or "")

    def work() -> None:
        context = door.context(door.guard.clicker(body, origin))
        try:
            asked = promotion.request(context, kept["model"], name)
        except Conflict as error:
            if error.code != promotion.REFUSED:
                raise
            door.outbox.post(f"refused:{view['id']}", origin, override.refused(str(error), kept["model"], name))
            return
        post(door, origin, context, asked)

    lane = f"{origin['channel']}:{origin['thread_ts']}"
    tell = lambda card: door.whisper(origin, user, card)  # noqa: E731
    try:
        door.lanes.submit(lane, lambda: door.guarded(work, tell))
    except TunesmithError as error:
        tell(note.error(error))


def post(door: Door, origin: dict[str, str], context: Any, asked: Approval) -> None:
    door.outbox.post(f"asked:{asked.id}", origin, cards.of_approval(context, asked))
