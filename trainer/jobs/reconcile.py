"""Puts right what crashes and a forgetful Redis leave behind. Any process may run it; a lock lets one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, or_, select, update

from trainer.errors import Unavailable
from trainer.jobs.ledger import write_event
from trainer.jobs.queue import NAMES, Wakeups
from trainer.store.database import Database, changed, insert_once
from trainer.store.tables import Attempt, Claim, Job, Lock, now
from trainer.types import JobStatus

log = structlog.get_logger()
CLAIMS_KEPT_S = 14 * 24 * 3600.0
SWEEP_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class Reconciled:
    requeued: int = 0
    failed: int = 0
    cancelled: int = 0
    woken: int = 0


def hold_lock(db: Database, name: str, holder: str, seconds: float) -> bool:
    """Take or keep a named lock until `seconds` from now, on the database's clock."""
    with db.write() as session:
        if insert_once(session, Lock, name=name, holder=holder, until=session.scalar(select(now() + seconds))):
            return True
        mine = update(Lock).where(Lock.name == name, or_(Lock.holder == holder, Lock.until < now()))
        return changed(session, mine.values(holder=holder, until=now() + seconds)) == 1


def reconcile(db: Database, wakeups: Wakeups) -> Reconciled:
    """One pass: end or requeue attempts whose lease ran out, then wake workers for every waiting job."""
    requeued, failed, cancelled = _expired_leases(db)
    return Reconciled(requeued, failed, cancelled, _missing_wakeups(db, wakeups))


def _expired_leases(db: Database) -> tuple[int, int, int]:
    counts = {JobStatus.QUEUED: 0, JobStatus.FAILED: 0, JobStatus.CANCELLED: 0}
    with db.write() as session:
        expired = select(Job).where(Job.status == JobStatus.RUNNING.value, Job.lease_until < now())
        for job in session.scalars(expired.with_for_update(skip_locked=True)):
            status, error = _after_loss(job)
            job.status = status.value
            job.lease_until = None
            job.error = error
            if status is not JobStatus.QUEUED:
                job.finished_at = session.scalar(select(now()))
            lost = update(Attempt).where(Attempt.job_id == job.id, Attempt.fence == job.fence)
            session.execute(lost.where(Attempt.ended_at.is_(None)).values(ended_at=now(), outcome="lost"))
            session.flush()
            data = {"status": status.value, "outcome": "lost", **({"error": error} if error else {})}
            write_event(session, job.id, job.fence, "status", data)
            counts[status] += 1
        session.execute(delete(Claim).where(Claim.at < now() - CLAIMS_KEPT_S))
    return counts[JobStatus.QUEUED], counts[JobStatus.FAILED], counts[JobStatus.CANCELLED]


def _after_loss(job: Job) -> tuple[JobStatus, dict[str, str] | None]:
    if job.cancel_requested:
        return JobStatus.CANCELLED, None
    if job.attempts >= job.max_attempts:
        return JobStatus.FAILED, {
            "code": "too_many_attempts",
            "message": f"The worker died {job.attempts} times. Look at its log for memory or driver trouble, "
            "then start the job again; its checkpoints are kept.",
        }
    return JobStatus.QUEUED, None


def _missing_wakeups(db: Database, wakeups: Wakeups) -> int:
    with db.read() as session:
        waiting = list(session.scalars(select(Job).where(Job.status == JobStatus.QUEUED.value)))
    if not waiting:
        return 0
    in_line = {name: wakeups.waiting(name) for name in NAMES}
    missing = [job for job in waiting if wakeups.key(job) not in in_line[job.queue]]
    return sum(wakeups.enqueue(job) for job in missing)


def run_forever(
    db: Database, wakeups: Wakeups, holder: str, *, every_s: float = 2.0, sweep: Callable[[], object] | None = None
) -> None:
    """Reconcile for as long as this process lives, and `sweep` once an hour; others stand by."""
    swept: float | None = None
    while True:
        try:
            if hold_lock(db, "reconcile", holder, every_s * 5):
                done = reconcile(db, wakeups)
                if done != Reconciled():
                    log.info("reconciled", requeued=done.requeued, failed=done.failed, woken=done.woken)
                if sweep is not None and (swept is None or time.monotonic() - swept > SWEEP_EVERY_S):
                    swept = time.monotonic()
                    sweep()
        except Unavailable as error:
            log.warning("reconcile_waits", reason=str(error))
        time.sleep(every_s)
