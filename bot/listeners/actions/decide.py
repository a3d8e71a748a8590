"""Approve and Reject: the click decides, in the name of whoever pressed, and the card shows what was decided."""

from __future__ import annotations

from slack_bolt import App

from bot import actions as ids
from bot import cards
from bot.blocks import alias
from bot.clicks import Click, on
from bot.door import Door
from tools.approvals import decide
from trainer.errors import Conflict, NotFound
from trainer.store.tables import Approval


def register(app: App, door: Door) -> None:
    on(app, door, ids.APPROVE, lambda click: _decide(click, approve=True))
    on(app, door, ids.REJECT, lambda click: _decide(click, approve=False))


def _decide(click: Click, *, approve: bool) -> None:
    row = _asked_here(click)
    try:
        done = decide(click.context, row.id, approve=approve)
    except Conflict as error:
        _redraw(click, row.id)
        raise _told(click, row.id, error) from None
    _redraw(click, row.id)
    if done.moved:
        click.door.outbox.post(f"moved:{row.id}", click.origin, alias.moved(done.moved, done.approval))


def _asked_here(click: Click) -> Approval:
    """The request, if its card belongs to this channel: an id carried elsewhere opens nothing."""
    row = click.context.services.approvals.get(click.value)
    if row.origin.get("channel") not in (None, click.channel):
        raise NotFound("There is no such request in this channel.", fix="Press the button on its own card.")
    return row


def _redraw(click: Click, approval_id: str) -> None:
    """Show the card as it stands now; a stale one loses its buttons, and one half signed tells by whom."""
    row = click.context.services.approvals.get(approval_id)
    if row.status != "pending" or row.signatures:
        click.door.edit(click.channel, click.ts, cards.of_approval(click.context, row))


def _told(click: Click, approval_id: str, error: Conflict) -> Conflict:
    """Names of people are for Slack to show, so the card tells who; the whisper tells that."""
    if error.code != "already_decided":
        return error
    row = click.context.services.approvals.get(approval_id)
    return Conflict(
        f"This was already {row.status}; your click changed nothing.",
        fix="The card shows by whom. Ask again if you want it once more.",
        code="already_decided",
    )
