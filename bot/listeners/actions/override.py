"""Override the gate: the button opens a form that asks why, and that asks two people to sign on a card."""

from __future__ import annotations

import json
from typing import Any

from slack_bolt import Ack, App

from bot import actions as ids
from bot.blocks import note, override
from bot.clicks import Click, on
from bot.door import Door
from bot.listeners.actions.promote import post
from tools import promotion
from tools.context import TRAINER
from tools.gates import free_alias
from trainer.errors import TunesmithError

Json = dict[str, Any]


def register(app: App, door: Door) -> None:
    on(app, door, ids.OVERRIDE, ask_why)

    @app.view(ids.OVERRIDE_VIEW)
    def submitted(ack: Ack, body: Json, view: Json) -> None:
        typed = view["state"]["values"][ids.REASON_BLOCK][ids.REASON_INPUT]["value"] or ""
        try:
            reason = promotion.reason_of(typed)
        except TunesmithError as error:
            ack(response_action="errors", errors={ids.REASON_BLOCK: str(error)[:150]})
            return
        ack()
        _request(door, body, view, reason)


def ask_why(click: Click) -> None:
    """Open the form; the trigger is good for three seconds."""
    click.caller.need(TRAINER, "ask for an override")
    alias, _, model_id = click.value.partition(" ")
    model = click.context.services.models.get(model_id)
    click.open(override.modal(model.id, free_alias(click.context, alias), click.origin))


def _request(door: Door, body: Json, view: Json, reason: str) -> None:
    kept = json.loads(view["private_metadata"])
    origin = {"channel": kept["channel"], "thread_ts": kept["thread_ts"]}
    user = str((body.get("user") or {}).get("id") or "")

    def work() -> None:
        context = door.context(door.guard.clicker(body, origin))
        asked = promotion.request_override(context, kept["model"], kept["alias"], reason, signed=True)
        post(door, origin, context, asked)

    def tell(card: Any) -> None:
        door.whisper(origin, user, card)

    try:
        door.lanes.submit(f"{origin['channel']}:{origin['thread_ts']}", lambda: door.guarded(work, tell))
    except TunesmithError as error:
        tell(note.error(error))
