"""Job events → one living card per job, and a reply for each milestone, exactly once.

The cursor of a job's card and the replies that its events owe are written in one transaction; the outbox sends
them. So a kill -9 at any moment loses nothing and repeats nothing. One process at a time does this.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select, update

from bot import milestones
from bot.blocks import job as cards
from bot.door import Door
from bot.outbox import JOB, UNDELIVERABLE, metadata
from bot.slack import AWAY, code_of, may_pass, retry_after, updating_client
from trainer.errors import TunesmithError
from trainer.jobs.processes import identity
from trainer.jobs.reconcile import hold_lock
from trainer.store.database import insert_once
from trainer.store.tables import Card, Job
from trainer.types import JobStatus

log = structlog.get_logger()
LOOK_EVERY_S = 0.5
CARD_EVERY_S = 1.5
LOCK_S = 8.0
FORGET_EVERY_S = 3600.0


@dataclass(slots=True)
class Shown:
    """What a card says on Slack, as far as this process knows."""

    said: str = ""
    at: float = 0.0


class Notifier(threading.Thread):
    def __init__(self, door: Door) -> None:
        super().__init__(name="notifier", daemon=True)
        self.door = door
        self.db = door.services.db
        self.slack = updating_client(door.settings)
        self.bucket = door.edits
        self.shown: dict[str, Shown] = {}
        self.done = threading.Event()
        self.holder = identity("notifier")
        self._forgot = time.monotonic()

    def run(self) -> None:
        pause = LOOK_EVERY_S
        while not self.done.wait(pause):
            try:
                if hold_lock(self.db, "notifier", self.holder, LOCK_S):
                    self.look()
                pause = LOOK_EVERY_S
            except TunesmithError as error:
                log.warning("notifier_waits", reason=str(error))
                pause = min(pause * 2, 10.0)
            except Exception:
                log.exception("notifier_failed")
                pause = min(pause * 2, 10.0)

    def stop(self) -> None:
        """Let the round that runs end, and the lock go."""
        self.done.set()
        if self.is_alive():
            self.join(timeout=10)
            hold_lock(self.db, "notifier", self.holder, 0)

    def look(self) -> None:
        """One round: adopt new jobs, write down what their events owe, send it, redraw the cards."""
        self._adopt()
        cards = self._open()
        for card, job in cards:
            self._follow(card, job)
        self.door.outbox.settle()
        for card, job in cards:
            self._draw(card, job)
        if time.monotonic() - self._forgot > FORGET_EVERY_S:
            self._forgot = time.monotonic()
            self.door.outbox.forget_old()

    def _adopt(self) -> None:
        """A card row for every job that has none; jobs of the terminal get one that is closed."""
        with self.db.read() as session:
            query = select(Job).outerjoin(Card, Card.job_id == Job.id).where(Card.job_id.is_(None))
            new = list(session.scalars(query))
        for job in new:
            channel, thread_ts = job.origin.get("channel") or "", job.origin.get("thread_ts") or ""
            with self.db.write() as session:
                insert_once(
                    session,
                    Card,
                    job_id=job.id,
                    channel=channel,
                    thread_ts=thread_ts,
                    cursor=0,
                    closed=not channel,
                )

    def _open(self) -> list[tuple[Card, Job]]:
        with self.db.read() as session:
            query = select(Card, Job).join(Job, Job.id == Card.job_id).where(Card.closed.is_(False))
            return [(card, job) for card, job in session.execute(query.order_by(Job.created_at))]

    def _follow(self, card: Card, job: Job) -> None:
        """Move the cursor and owe the milestones of what it passes, together."""
        events = self.door.services.jobs.events(job.id, after=card.cursor)
        if not events:
            return
        quiet = milestones.quiet(job)
        owed = cards.living(job, {})
        origin = {"channel": card.channel, "thread_ts": card.thread_ts}
        with self.db.write() as session:
            if not quiet:
                self.door.outbox.owe(session, f"{JOB}{job.id}:card", origin, owed)
            for event in events:
                for part, message, picture in milestones.of(self.door.services, job, event):
                    self.door.outbox.owe(session, f"{JOB}{job.id}:{part}", origin, message, picture)
            moved = update(Card).where(Card.job_id == job.id)
            session.execute(moved.values(cursor=events[-1].seq))
        card.cursor = events[-1].seq
        milestones.link(self.door.services, job)

    def _draw(self, card: Card, job: Job) -> None:
        """Edit the card if it says something new and it is its turn; close it when all is said."""
        ended = JobStatus(job.status).ended and card.cursor >= job.events
        if milestones.quiet(job):
            if ended and not self.door.outbox.owes(job.id):
                self._close(job.id)
            return
        ts = card.ts or self._place(card)
        if ts is None:
            return
        shown = self.shown.setdefault(job.id, Shown())
        now = cards.living(job, {} if ended else self._progress(job))
        said = repr(now)
        told = said == shown.said or ts == UNDELIVERABLE
        if not told and (ended or time.monotonic() - shown.at >= CARD_EVERY_S) and self.bucket.take():
            told = self._update(card, ts, now, shown, said)
        if told and ended and not self.door.outbox.owes(job.id):
            self._close(job.id)

    def _place(self, card: Card) -> str | None:
        """The ts of the card's message, once the outbox has posted it."""
        ts = self.door.outbox.ts_of(f"{JOB}{card.job_id}:card")
        if ts:
            with self.db.write() as session:
                session.execute(update(Card).where(Card.job_id == card.job_id).values(ts=ts))
        return ts

    def _progress(self, job: Job) -> dict[str, Any]:
        """The newest progress of the attempt that runs now."""
        events = self.door.services.jobs.events(job.id, after=max(0, job.events - 60))
        mine = [e for e in events if e.type == "progress" and e.fence == job.fence]
        if not mine:
            return {}
        merged: dict[str, Any] = {}
        for event in mine:  # a validation's loss stays on the card between validations
            merged |= {k: v for k, v in event.data.items() if k == "val_loss"}
        return merged | mine[-1].data

    def _update(self, card: Card, ts: str, now: Any, shown: Shown, said: str) -> bool:
        shown.at = time.monotonic()
        mark = metadata(f"{JOB}{card.job_id}:card")
        try:
            self.slack.chat_update(channel=card.channel, ts=ts, text=now.text, blocks=now.blocks, metadata=mark)
        except AWAY as error:
            log.warning("card_waits", ts=ts, reason=code_of(error))
            if not may_pass(error):
                shown.said = said  # gone or refused for good: the replies tell the story
                return True
            self.bucket.pause(retry_after(error))
            return False
        shown.said = said
        return True

    def _close(self, job_id: str) -> None:
        with self.db.write() as session:
            session.execute(update(Card).where(Card.job_id == job_id).values(closed=True))
        self.shown.pop(job_id, None)
