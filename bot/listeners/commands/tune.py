"""`/tune …`: questions are answered to the asker alone, wishes in a thread of their own that all can see."""

from __future__ import annotations

import secrets
from typing import Any

from slack_bolt import Ack, App, Respond

from bot import cards
from bot.blocks import note
from bot.blocks.kit import Card
from bot.blocks.mrkdwn import code, person
from bot.commands import UNKNOWN, parse
from bot.door import Door
from tools.context import Caller, Context
from trainer.errors import TunesmithError

Json = dict[str, Any]
QUIET = {"", "list_jobs", "job_status", "list_models"}  # the tools that tell and do nothing else


def register(app: App, door: Door) -> None:
    @app.command("/tune")
    def tune(ack: Ack, body: Json, respond: Respond) -> None:
        ack()
        origin = {"channel": str(body["channel_id"])}

        def tell(card: Card) -> None:
            respond(text=card.text, blocks=card.blocks, response_type="ephemeral")

        def work() -> None:
            _serve(door, door.guard.clicker(body, origin), str(body.get("text") or "").strip(), tell)

        try:
            door.lanes.submit(f"{origin['channel']}:{body['user_id']}", lambda: door.guarded(work, tell))
        except TunesmithError as error:
            tell(note.error(error))


def _serve(door: Door, caller: Caller, said: str, tell: Any) -> None:
    wish = parse(said)
    if wish is None and not door.settings.has_llm:
        tell(note.answer(UNKNOWN))
    elif wish is not None and wish.tool in QUIET:
        tell(note.answer(door.agent.command(door.context(caller), said).text))
    else:
        _in_a_thread(door, caller, said, by_grammar=wish is not None)


def _in_a_thread(door: Door, caller: Caller, said: str, *, by_grammar: bool) -> None:
    """Say in the channel who asked for what, and answer below it."""
    key = f"tune:{secrets.token_hex(8)}"
    asked = note.line(f"{person(caller.user)} asked: {code(said[:200])}")
    ts = door.outbox.post(key, caller.origin, asked)
    origin = {**caller.origin, "thread_ts": ts}
    door.services.threads.link(origin)
    here = Context(Caller(caller.user, caller.name, caller.roles, caller.team, origin), door.services)
    made = door.agent.command(here, said) if by_grammar else door.agent.reply(here, said, message_id=key)
    shown = [c for c in (cards.show(here, a) for a in made.cards) if c]
    if made.text and not (made.by_grammar and shown):
        door.outbox.post(f"{key}:answer", origin, note.answer(made.text))
    for number, one in enumerate(shown):
        cards.post(door, f"{key}:card{number}", origin, one)
