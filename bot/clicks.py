"""What every button has in common: ack at once, know who and where, work in the thread's lane, tell failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk.errors import SlackApiError

from bot.blocks import note
from bot.blocks.kit import Card
from bot.blocks.kit import context as context_block
from bot.blocks.mrkdwn import person
from bot.door import Door
from bot.slack import code_of
from tools.context import Caller, Context
from trainer.errors import BadInput, Conflict, LimitExceeded

log = structlog.get_logger()
Json = dict[str, Any]
AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Click:
    """A press by somebody who may speak here. `value` is what the button carries: an id, checked by the tool."""

    door: Door
    caller: Caller
    value: str
    channel: str
    ts: str  # of the message with the button
    trigger_id: str
    action_ts: str
    message: Json  # as it is now, to take spent buttons off it
    action: str = ""  # which button it was

    @property
    def context(self) -> Context:
        return self.door.context(self.caller)

    @property
    def origin(self) -> dict[str, str]:
        return self.caller.origin

    def key(self, part: str) -> str:
        return f"click:{self.channel}:{self.ts}:{self.action_ts}:{part}"

    def spend(self, what: str) -> None:
        """Take the buttons off the message, and say instead what was pressed and by whom."""
        kept = [b for b in self.message.get("blocks") or [] if b.get("type") != "actions"]
        said = context_block(f"{what} by {person(self.caller.user)}.")
        self.door.edit(self.channel, self.ts, Card(str(self.message.get("text") or what), [*kept, said]))

    def open(self, view: Json) -> None:
        """Open a modal: the trigger is good for three seconds after the press."""
        try:
            self.door.client.views_open(trigger_id=self.trigger_id, view=view)
        except SlackApiError as error:
            if code_of(error) not in ("expired_trigger_id", "exchanged_trigger_id", "trigger_exchanged"):
                raise
            raise Conflict("That took me too long to open.", fix="Press it again.", code="late") from None

    def once(self) -> None:
        """Refuse a second press of the same button within a few seconds, by anybody."""
        if not self.door.guard.first(f"press:{self.channel}:{self.ts}:{self.action}:{self.value}", within_s=AGAIN_S):
            raise Conflict("That was pressed a moment ago, and is being done.", code="pressed_twice")


def on(app: App, door: Door, action_id: str, work: Callable[[Click], None]) -> None:
    """Answer an action id with `work`; errors are whispered to whoever pressed."""

    @app.action(action_id)
    def pressed(ack: Ack, body: Json) -> None:
        ack()
        take(door, body, work)


def take(door: Door, body: Json, work: Callable[[Click], None]) -> None:
    origin = where(body)
    _queue(door, body, origin, lambda: work(_click(door, body, origin)))


def submitted(door: Door, body: Json, view: Json, work: Callable[[Click], None]) -> None:
    """Work on a modal that was sent: its private metadata says which message and what it was opened for."""
    kept = json.loads(view["private_metadata"])
    origin = {"channel": kept["channel"], "thread_ts": kept["thread_ts"]}

    def run() -> None:
        caller = door.guard.clicker(body, origin)
        view_id, action = str(view["id"]), str(view.get("callback_id") or "")
        work(Click(door, caller, kept["value"], kept["channel"], kept["ts"], "", view_id, {}, action))

    _queue(door, body, origin, run)


def _queue(door: Door, body: Json, origin: dict[str, str], work: Callable[[], None]) -> None:
    """In the thread's lane; errors are whispered to whoever it was."""
    user = str((body.get("user") or {}).get("id") or "")

    def tell(card: Card) -> None:
        door.whisper(origin, user, card)

    def run() -> None:
        door.guarded(work, tell)

    try:
        door.lanes.submit(f"{origin['channel']}:{origin['thread_ts']}", run)
    except LimitExceeded as error:
        tell(note.error(error))


def where(body: Json) -> dict[str, str]:
    """Channel and thread of the message that was pressed on."""
    container, message = body.get("container") or {}, body.get("message") or {}
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id") or "")
    ts = str(container.get("message_ts") or message.get("ts") or "")
    return {
        "channel": channel,
        "thread_ts": str(container.get("thread_ts") or message.get("thread_ts") or ts),
    }


def _click(door: Door, body: Json, origin: dict[str, str]) -> Click:
    caller = door.guard.clicker(body, origin)
    action = (body.get("actions") or [{}])[0]
    container = body.get("container") or {}
    value = action.get("value")
    if not origin["channel"] or not isinstance(value, str) or not 0 < len(value) <= 200:
        raise BadInput("That button carries nothing I know.", fix="Ask me for a fresh card.", code="bad_button")
    ts = str(container.get("message_ts") or "")
    return Click(
        door,
        caller,
        value,
        origin["channel"],
        ts,
        str(body.get("trigger_id", "")),
        str(action.get("action_ts")),
        body.get("message") or {},
        str(action.get("action_id") or ""),
    )
