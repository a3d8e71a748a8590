"""What a nightly canary has to say: something only where the state of an alias has changed since the one before."""

from __future__ import annotations

from sqlalchemy import select

from trainer.services import Services
from trainer.store.tables import Job
from trainer.types import ENDED, JobKind, JobStatus

WELL, WORSE, SILENT = "well", "worse", "silent"


def state(job: Job) -> str:
    """How the alias was found."""
    if job.status == JobStatus.FAILED:
        return SILENT
    return WORSE if (job.result or {}).get("worse") else WELL


def news(services: Services, job: Job) -> tuple[str, str] | None:
    """(state, what to say), or None where nothing changed. A promotion begins well."""
    found, before = state(job), _before(services, job)
    return None if found == before else (found, _said(job, found))


def _before(services: Services, job: Job) -> str:
    same = (
        Job.spec["alias"].as_string() == job.spec["alias"],
        Job.spec["revision"].as_integer() == job.spec["revision"],
    )
    ended = Job.status.in_([s.value for s in ENDED if s is not JobStatus.CANCELLED])
    earlier = select(Job).where(
        Job.kind == JobKind.CANARY.value, *same, ended, Job.created_at < job.created_at, Job.id != job.id
    )
    with services.db.read() as session:
        last = session.scalar(earlier.order_by(Job.created_at.desc()).limit(1))
    return state(last) if last else WELL


def _said(job: Job, found: str) -> str:
    alias, result = job.spec["alias"], job.result or {}
    if found == SILENT:
        return f"{alias} could not be asked tonight: {(job.error or {}).get('message', 'no reason is known.')}"
    right = (
        f"{result.get('right_now')} of {result.get('rows')} rows of promotion day's test set are right now, "
        f"{result.get('right_then')} were then (p {result.get('p', 1.0):.3f}); {result.get('changed')} answers differ"
    )
    if found == WELL:
        return f"{alias} is well again: {right}."
    return (
        f"{alias} answers worse than on the day it was promoted: {right}. Model and rows are the same, so look at what "
        f"serves it: versions, precision, template. `rollback {alias}` goes back."
    )
