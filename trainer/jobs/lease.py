"""One attempt at a job: claimed by a conditional UPDATE, fenced at every write, timed by the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from trainer.errors import LostLease
from trainer.jobs.ledger import write_event
from trainer.store.database import Database, changed
from trainer.store.ids import new_id
from trainer.store.tables import Attempt, Checkpoint, Job, now
from trainer.types import JobStatus

RUNNING = JobStatus.RUNNING.value


def claim(db: Database, job_id: str, *, worker: str, lease_s: float) -> Lease | None:
    """Take the job if it waits, or if its last attempt let its lease run out; None when another has it."""
    free = or_(
        Job.status == JobStatus.QUEUED.value,
        and_(Job.status == RUNNING, Job.lease_until < now()),
    )
    may = (Job.id == job_id, free, Job.cancel_requested.is_(False), Job.attempts < Job.max_attempts)
    taken = {
        "status": RUNNING,
        "fence": Job.fence + 1,
        "attempts": Job.attempts + 1,
        "lease_until": now() + lease_s,
    }
    with db.write() as session:
        fence = session.scalar(update(Job).where(*may).values(**taken).returning(Job.fence))
        if fence is None:
            return None
        at = session.scalar(select(now()))
        session.execute(update(Job).where(Job.id == job_id, Job.started_at.is_(None)).values(started_at=at))
        _end_attempt(session, job_id, fence - 1, "lost", "")
        session.add(Attempt(job_id=job_id, fence=fence, worker=worker, started_at=at))
        write_event(session, job_id, fence, "status", {"status": RUNNING, "attempt": fence})
    return Lease(db, job_id, fence, lease_s)


class Lease:
    """The right to write for one job. Every method raises LostLease once another attempt has taken over."""

    def __init__(self, db: Database, job_id: str, fence: int, lease_s: float) -> None:
        self.db = db
        self.job_id = job_id
        self.fence = fence
        self.lease_s = lease_s

    @contextmanager
    def fenced(self) -> Iterator[Session]:
        """A transaction that commits only if this attempt still holds the job; it also renews the lease."""
        with self.db.write() as session:
            held = (Job.id == self.job_id, Job.fence == self.fence, Job.status == RUNNING)
            renewed = update(Job).where(*held).values(lease_until=now() + self.lease_s)
            if changed(session, renewed) != 1:
                raise LostLease(f"Attempt {self.fence} of {self.job_id} no longer holds the job.")
            yield session

    def renew(self) -> bool:
        """Hold on for another `lease_s`. Returns whether somebody asked to cancel."""
        with self.fenced() as session:
            query = select(Job.cancel_requested).where(Job.id == self.job_id)
            return bool(session.scalar(query))

    def event(self, type: str, data: dict[str, Any]) -> None:
        with self.fenced() as session:
            write_event(session, self.job_id, self.fence, type, data)

    def checkpoint(self, step: int, manifest: dict[str, Any], metrics: dict[str, Any]) -> str:
        """Commit a checkpoint: from now on a resume may start from it. Returns its id."""
        with self.fenced() as session:
            row = Checkpoint(
                id=new_id("ftckpt_"),
                job_id=self.job_id,
                step=step,
                fence=self.fence,
                manifest=manifest,
                metrics=metrics,
                created_at=session.scalar(select(now())),
            )
            session.add(row)
            write_event(session, self.job_id, self.fence, "checkpoint", {"id": row.id, "step": step})
        return row.id

    def finish(
        self,
        session: Session,
        status: JobStatus,
        *,
        result: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
        **columns: Any,
    ) -> None:
        """End the job inside a `fenced()` transaction, together with whatever it made."""
        values = {"status": status.value, "finished_at": now(), "lease_until": None}
        session.execute(
            update(Job).where(Job.id == self.job_id).values(**values, result=result, error=error, **columns)
        )
        _end_attempt(session, self.job_id, self.fence, status.value, (error or {}).get("message", ""))
        data = {"status": status.value, "result": result, "error": error}
        write_event(session, self.job_id, self.fence, "status", {k: v for k, v in data.items() if v})

    def release(self, outcome: str, detail: str, *, give_back_try: bool) -> None:
        """Put the job back in line: a clean stop (`give_back_try`) or a crash that costs one try."""
        with self.fenced() as session:
            values: dict[str, Any] = {"status": JobStatus.QUEUED.value, "lease_until": None}
            if give_back_try:
                values["attempts"] = Job.attempts - 1
            session.execute(update(Job).where(Job.id == self.job_id).values(**values))
            _end_attempt(session, self.job_id, self.fence, outcome, detail)
            data = {"status": JobStatus.QUEUED.value, "outcome": outcome, "detail": detail}
            write_event(session, self.job_id, self.fence, "status", data)


def _end_attempt(session: Session, job_id: str, fence: int, outcome: str, detail: str) -> None:
    ended = update(Attempt).where(Attempt.job_id == job_id, Attempt.fence == fence, Attempt.ended_at.is_(None))
    session.execute(ended.values(ended_at=now(), outcome=outcome, detail=detail[:2000]))
