"""Polls and their votes. A vote may change until enough people have voted on everything; then the poll is unsealed,
once, in the transaction of the vote that made it so. Before that nothing here tells how votes stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from trainer.errors import BadInput, Conflict, NotFound
from trainer.evals.case import CANDIDATE
from trainer.evals.votes import Ballot, People, tally
from trainer.store.database import Database, changed, upsert
from trainer.store.ids import new_id
from trainer.store.tables import Poll, Vote, now

if TYPE_CHECKING:
    from trainer.evals.judges.agreement import Choice, Label

SAID = "said"  # the key of Vote.ratings under which the correction stands
CARDS = "cards"  # the key of Poll.origin under which stands what each card shows, by its ts


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody would have had the model say."""

    suite: str
    case_id: str
    said: str
    voter: str


class Polls:
    def __init__(self, db: Database) -> None:
        self.db = db

    def open(
        self,
        evaluation_id: str,
        items: Sequence[tuple[str, str]],
        *,
        kind: str,
        against: str,
        needed: int,
        by: str,
        origin: Mapping[str, str],
    ) -> Poll:
        """A new poll; or the one of this place that asks the same and is not unsealed yet, so that a wish that is heard
        twice asks once."""
        with self.db.write() as session:
            alike = select(Poll).where(
                Poll.evaluation_id == evaluation_id,
                Poll.kind == kind,
                Poll.against == against,
                Poll.closed_at.is_(None),
            )
            for row in session.scalars(alike):
                if _place(row.origin) == _place(origin):
                    return row
            row = Poll(
                id=new_id("poll-"),
                evaluation_id=evaluation_id,
                kind=kind,
                items=[{"suite": suite, "case_id": case} for suite, case in items],
                against=against,
                needed=needed,
                origin=dict(origin),
                created_by=by,
                created_at=session.scalar(select(now())),
                closed_at=None,
            )
            session.add(row)
        return row

    def get(self, poll_id: str) -> Poll:
        with self.db.read() as session:
            row = session.get(Poll, poll_id)
        return row or _missing(poll_id)

    def of(self, evaluation_id: str) -> list[Poll]:
        """Newest first."""
        query = select(Poll).where(Poll.evaluation_id == evaluation_id).order_by(Poll.created_at.desc(), Poll.id)
        with self.db.read() as session:
            return list(session.scalars(query))

    def unsettled(self) -> list[Poll]:
        """Polls with a card that does not show how they stand: their bot died between a vote and the card."""
        with self.db.read() as session:
            return [row for row in session.scalars(select(Poll)) if self._stale(session, row)]

    def cast(self, poll_id: str, item: int, *, voter: str, choice: str, first: str, ratings: Mapping[str, Any]) -> bool:
        """Write or change one person's vote on one question; True for the one vote that unsealed the poll. Raises
        Conflict once it is unsealed."""
        with self.db.write() as session:
            poll = session.get(Poll, poll_id, with_for_update=True) or _missing(poll_id)
            if poll.closed_at is not None:
                raise unsealed_already()
            if not 0 <= item < len(poll.items):
                raise BadInput("This vote has no such question.", fix="Press Vote on its card.", code="bad_item")
            keys = {"poll_id": poll_id, "item": item, "voter": voter}
            values = {"choice": choice, "first": first, "ratings": dict(ratings), "at": session.scalar(select(now()))}
            upsert(session, Vote, keys, values)
            if len(_done(session, poll)) < poll.needed:
                return False
            close = update(Poll).where(Poll.id == poll_id, Poll.closed_at.is_(None)).values(closed_at=now())
            return changed(session, close) == 1

    def finished(self, poll: Poll) -> int:
        """How many people have voted on every question: all that is told of a sealed poll."""
        with self.db.read() as session:
            return len(_done(session, poll))

    def mine(self, poll: Poll, voter: str) -> dict[int, Vote]:
        """One person's own votes, by question."""
        with self.db.read() as session:
            query = select(Vote).where(Vote.poll_id == poll.id, Vote.voter == voter)
            return {vote.item: vote for vote in session.scalars(query)}

    def people_of(self, evaluation_id: str) -> People | None:
        """What people said of an evaluation, None where nobody was asked: of its unsealed polls against the contestant
        of the newest one, each person's last word on each question. Sealed ones are only counted."""
        polls = self.of(evaluation_id)
        if not polls:
            return None
        unsealed = [poll for poll in polls if poll.closed_at is not None]
        if not unsealed:
            return People(len(polls), polls[0].against, sealed=True, voters=sum(map(self.finished, polls)))
        return self.count([poll for poll in unsealed if poll.against == unsealed[0].against])

    def count(self, polls: Sequence[Poll]) -> People:
        """The votes of unsealed polls against the same contestant, newest first."""
        last: dict[tuple[Any, ...], Ballot] = {}
        for poll in polls:
            for ballot in self._ballots(poll):
                last.setdefault((ballot.item, ballot.voter), ballot)
        return tally(list(last.values()), polls=len(polls), against=polls[0].against)

    def labels(self, evaluation_id: str, against: str | None = None) -> list[Label]:
        """Every vote of the unsealed polls, of one contestant's where `against` is given, to hold a judge against."""
        from trainer.evals.judges.agreement import Label

        polls = [p for p in self.of(evaluation_id) if p.closed_at is not None and against in (None, p.against)]
        return [
            Label(*ballot.item, choice=cast("Choice", ballot.choice), voter=ballot.voter)
            for poll in polls
            for ballot in self._ballots(poll)
        ]

    def corrections(self, poll_id: str) -> list[Correction]:
        """What people would have had the model say; this tells nothing of how they voted."""
        poll = self.get(poll_id)
        return [
            Correction(*_item(poll, vote), said=vote.ratings[SAID], voter=vote.voter)
            for vote in self._votes(poll)
            if vote.ratings.get(SAID)
        ]

    def drawn(self, poll_id: str, ts: str, state: str | None = None) -> None:
        """Remember a card of the poll, or what it shows now."""
        with self.db.write() as session:
            poll = session.get(Poll, poll_id, with_for_update=True) or _missing(poll_id)
            cards = dict(poll.origin.get(CARDS) or {})
            if state is not None or ts not in cards:
                poll.origin = {**poll.origin, CARDS: cards | {ts: state or ""}}

    def stands(self, poll: Poll) -> str:
        """What a card of the poll would show, in a word."""
        with self.db.read() as session:
            return _stands(session, poll)

    def _stale(self, session: Session, poll: Poll) -> bool:
        shown = set((poll.origin.get(CARDS) or {}).values())
        return bool(shown) and shown != {_stands(session, poll)}

    def _ballots(self, poll: Poll) -> list[Ballot]:
        def ratings(vote: Vote) -> dict[str, float]:
            return {key: float(vote.ratings[key]) for key in (CANDIDATE, poll.against) if key in vote.ratings}

        return [Ballot(_item(poll, vote), vote.voter, vote.choice, ratings(vote)) for vote in self._votes(poll)]

    def _votes(self, poll: Poll) -> list[Vote]:
        with self.db.read() as session:
            query = select(Vote).where(Vote.poll_id == poll.id).order_by(Vote.item, Vote.at, Vote.voter)
            return list(session.scalars(query))


def _done(session: Session, poll: Poll) -> list[str]:
    """Who voted on every question."""
    query = select(Vote.voter).where(Vote.poll_id == poll.id).group_by(Vote.voter)
    return list(session.scalars(query.having(func.count() >= len(poll.items))))


def _stands(session: Session, poll: Poll) -> str:
    return "unsealed" if poll.closed_at is not None else f"{len(_done(session, poll))}"


def _item(poll: Poll, vote: Vote) -> tuple[str, str]:
    item = poll.items[vote.item]
    return item["suite"], item["case_id"]


def _place(origin: Mapping[str, Any]) -> tuple[Any, Any]:
    return origin.get("channel"), origin.get("thread_ts")


def unsealed_already() -> Conflict:
    return Conflict(
        "This vote is over: enough people have voted, and it is unsealed.",
        fix="Its card shows the result. Ask for another vote if you want more opinions.",
        code="unsealed",
    )


def _missing(poll_id: str) -> Any:
    raise NotFound(f"There is no vote “{poll_id[:60]}”.", fix="Press the button on its own card.", code="unknown_poll")
