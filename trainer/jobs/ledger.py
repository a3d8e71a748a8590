"""Jobs on record: wishes go in, events come out. The rows are the truth; Redis only wakes workers up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trainer.errors import Conflict, NotFound
from trainer.providers import is_hosted
from trainer.store.database import Database, changed
from trainer.store.ids import new_id
from trainer.store.tables import Approval, Attempt, Checkpoint, Event, Job, now
from trainer.types import ENDED, JobKind, JobStatus

QUEUES = {kind: "cpu" if kind is JobKind.AUGMENT else "gpu" for kind in JobKind}
PREFIX = {
    JobKind.TRAIN: "ftjob-",
    JobKind.EVAL: "evaljob-",
    JobKind.AUGMENT: "augjob-",
    JobKind.SWEEP: "sweep-",
    JobKind.PREFLIGHT: "preflight-",
    JobKind.CANARY: "canary-",
}


class Jobs:
    def __init__(self, db: Database, *, max_attempts: int) -> None:
        self.db = db
        self.max_attempts = max_attempts

    def add(
        self,
        session: Session,
        kind: JobKind,
        *,
        spec: dict[str, Any],
        dataset_id: str,
        owner: str,
        team: str,
        origin: dict[str, Any],
        model_id: str | None = None,
        approval_id: str | None = None,
    ) -> Job:
        """Insert a queued job within the caller's transaction; enqueue it after that commits."""
        job = Job(
            id=new_id(PREFIX[kind]),
            kind=kind.value,
            status=JobStatus.QUEUED.value,
            queue="cpu" if is_hosted(spec) else QUEUES[kind],
            spec=spec,
            dataset_id=dataset_id,
            model_id=model_id,
            owner=owner,
            team=team,
            approval_id=approval_id,
            origin=origin,
            created_at=session.scalar(select(now())),
            max_attempts=self.max_attempts,
        )
        session.add(job)
        session.flush()
        write_event(session, job.id, job.fence, "status", {"status": JobStatus.QUEUED.value})
        return job

    def add_approved(
        self, session: Session, kind: JobKind, approval: Approval, *, spec: dict[str, Any], team: str
    ) -> Job:
        """As `add`, of the dataset, for the person and in the thread that the approval holds."""
        return self.add(
            session,
            kind,
            spec=spec,
            dataset_id=approval.subject["dataset_id"],
            owner=approval.requested_by,
            team=team,
            origin=approval.origin,
            approval_id=approval.id,
        )

    def get(self, job_id: str) -> Job:
        with self.db.read() as session:
            job = session.get(Job, job_id)
        if job is None:
            raise NotFound(
                f"There is no job “{job_id[:60]}”.",
                fix="Run `tunesmith status`, or ask for “status”, to see the jobs there are.",
                code="unknown_job",
                param="job",
            )
        return job

    def list(self, *, limit: int = 20, open_only: bool = False) -> list[Job]:
        query = select(Job).order_by(Job.created_at.desc(), Job.id).limit(limit)
        if open_only:
            query = query.where(Job.status.not_in([s.value for s in ENDED]))
        with self.db.read() as session:
            return list(session.scalars(query))

    def events(self, job_id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Events in order, from the one after `after`."""
        query = select(Event).where(Event.job_id == job_id, Event.seq > after)
        with self.db.read() as session:
            return list(session.scalars(query.order_by(Event.seq).limit(limit)))

    def attempts(self, job_id: str) -> list[Attempt]:
        with self.db.read() as session:
            query = select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.fence)
            return list(session.scalars(query))

    def checkpoints(self, job_id: str) -> list[Checkpoint]:
        """Committed checkpoints, newest first."""
        with self.db.read() as session:
            query = select(Checkpoint).where(Checkpoint.job_id == job_id)
            return list(session.scalars(query.order_by(Checkpoint.step.desc(), Checkpoint.created_at.desc())))

    def request_cancel(self, job_id: str, by: str) -> JobStatus:
        """Cancel a waiting job at once; ask a running one to stop. Returns the status after that."""
        job = self.get(job_id)
        if JobStatus(job.status).ended:
            raise Conflict(f"Job {job_id} has already {job.status}.", fix="There is nothing left to cancel.")
        with self.db.write() as session:
            waiting = (Job.id == job_id, Job.status.in_([JobStatus.QUEUED.value, JobStatus.PAUSED.value]))
            ended = {"status": JobStatus.CANCELLED.value, "finished_at": now(), "cancel_requested": True}
            if changed(session, update(Job).where(*waiting).values(**ended)):
                data = {"status": JobStatus.CANCELLED.value, "by": by}
                write_event(session, job_id, job.fence, "status", data)
                return JobStatus.CANCELLED
            running = (
                Job.id == job_id,
                Job.status == JobStatus.RUNNING.value,
                Job.cancel_requested.is_(False),
            )
            if changed(session, update(Job).where(*running).values(cancel_requested=True)):
                write_event(session, job_id, job.fence, "note", {"text": "Cancel requested.", "by": by})
        return JobStatus(self.get(job_id).status)


def write_event(session: Session, job_id: str, fence: int, type: str, data: dict[str, Any]) -> int:
    """Append an event; the job's own counter numbers it, under the job's row lock. Returns its number."""
    counted = update(Job).where(Job.id == job_id).values(events=Job.events + 1).returning(Job.events)
    seq = session.scalar(counted)
    if seq is None:
        raise NotFound(f"There is no job “{job_id[:60]}”.")
    at = session.scalar(select(now()))
    session.add(Event(job_id=job_id, seq=seq, fence=fence, type=type, data=data, created_at=at))
    session.flush()
    return seq
