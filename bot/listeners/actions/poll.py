"""Asking people: the options, the ballot question by question, and the card, which shows the result in the end.

A ballot is answered in the acknowledgement itself, with the next question; only the card is drawn afterwards.
"""

from __future__ import annotations

import json
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot import actions as ids
from bot.blocks import poll as blocks
from bot.blocks.kit import Card
from bot.clicks import Click, on, submitted
from bot.door import Door
from tools import polls
from tools.context import TRAINER, Context
from trainer.errors import Conflict, LimitExceeded, TunesmithError, Unavailable
from trainer.store.polls import CARDS
from trainer.store.tables import Poll

log = structlog.get_logger()
Json = dict[str, Any]


def register(app: App, door: Door) -> None:
    on(app, door, ids.ASK_PEOPLE, choose)
    on(app, door, ids.VOTE, open_ballot)

    @app.view(ids.ASK_VIEW)
    def asked(ack: Ack, body: Json, view: Json) -> None:
        try:
            options = blocks.chosen(view)
        except ValueError as error:
            block, said = error.args
            ack(response_action="errors", errors={block: said})
            return
        ack()
        submitted(door, body, view, lambda click: _ask(click, options))

    @app.view(ids.VOTE_VIEW)
    def voted(ack: Ack, body: Json, view: Json) -> None:
        ack(**_next(door, body, view))
        _queue_redraw(door, view)


def choose(click: Click) -> None:
    click.caller.need(TRAINER, "ask people for their votes")
    row = polls.opened(click.context, click.value)
    click.open(blocks.options(row.id, polls.others(row), click.origin | {"ts": click.ts}))


def _ask(click: Click, options: Json) -> None:
    row = polls.ask(click.context, click.value, **options)
    card = blocks.shown(polls.standing(click.door.services, row))
    click.door.outbox.post(click.key("poll"), click.origin, card)


def open_ballot(click: Click) -> None:
    """Open the first question that this person has not answered; the trigger is good for three seconds."""
    row = polls.find(click.context, click.value)
    try:
        number = polls.next_question(click.context, row)
        click.open(_ballot(click.context, row, number, click.origin | {"ts": click.ts}))
    except Conflict:
        _know_card(click, row)
        redraw(click.door, row.id)
        raise
    _know_card(click, row)


def _ballot(context: Context, row: Poll, number: int, where: dict[str, str]) -> Json:
    before = polls.own_vote(context, row, number)
    return blocks.ballot(row, polls.question(context, row, number), before, where)


def _know_card(click: Click, row: Poll) -> None:
    """Where a card of this poll is, learned from a press on it, so that it can be redrawn."""
    elements = [e for block in click.message.get("blocks") or [] for e in block.get("elements") or []]
    if any(e.get("action_id") == ids.VOTE and e.get("value") == row.id for e in elements):
        click.door.services.polls.drawn(row.id, click.ts)


def _next(door: Door, body: Json, view: Json) -> Json:
    """Keep the vote; what Slack shows then: the next question, thanks, or why it was not counted."""
    answer: Json = {}

    def show(page: Json) -> None:
        answer.update(response_action="update", view=page)

    def tell(said: Card) -> None:
        show(blocks.news(said))

    door.guarded(lambda: show(_vote(door, body, view)), tell)
    return answer


def _vote(door: Door, body: Json, view: Json) -> Json:
    kept = json.loads(view["private_metadata"])
    where = {key: str(kept[key]) for key in ("channel", "thread_ts", "ts")}
    origin = {"channel": where["channel"], "thread_ts": where["thread_ts"]}
    context = door.context(door.guard.clicker(body, origin))
    row, number = polls.find(context, str(kept["value"])), int(kept["item"])
    said, correction = blocks.vote_of(view, number)
    unsealed = polls.cast(context, row, number, said, correction)
    if unsealed or number + 1 == len(row.items):
        return blocks.thanks(left=_left(context, row), unsealed=unsealed)
    return _ballot(context, row, number + 1, where)


def _left(context: Context, row: Poll) -> int:
    """How many questions the caller has not answered yet."""
    return len(row.items) - len(context.services.polls.mine(row, context.caller.user))


def _queue_redraw(door: Door, view: Json) -> None:
    kept = json.loads(view["private_metadata"])
    _redraw_later(door, str(kept.get("value")), f"{kept.get('channel')}:{kept.get('thread_ts')}")


def _redraw_later(door: Door, poll_id: str, lane: str) -> None:
    def work() -> None:
        try:
            redraw(door, poll_id)
        except TunesmithError as error:
            log.warning("poll_card_waits", poll=poll_id, reason=str(error))

    try:
        door.lanes.submit(lane, work)
    except LimitExceeded:
        log.warning("poll_card_waits", poll=poll_id, reason="too much to do")


def redraw(door: Door, poll_id: str) -> None:
    """Show on every known card how the poll stands; one that shows it already is left alone."""
    row = door.services.polls.get(poll_id)
    stands = door.services.polls.stands(row)
    late = [ts for ts, shown in (row.origin.get(CARDS) or {}).items() if shown != stands]
    if not late:
        return
    card = blocks.shown(polls.standing(door.services, row))
    for ts in late:
        if door.edit(row.origin["channel"], ts, card):
            door.services.polls.drawn(poll_id, ts, stands)


def catch_up(door: Door) -> None:
    """Redraw the cards that an earlier process did not come to."""
    try:
        for row in door.services.polls.unsettled():
            _redraw_later(door, row.id, f"{row.origin.get('channel')}:{row.origin.get('thread_ts')}")
    except Unavailable as error:
        log.warning("poll_cards_wait", reason=str(error))
