"""The preflight that goes with a request for training: sent ahead while people decide, called off once they have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tools.context import Context
from trainer.errors import Conflict
from trainer.methods.spec import RunSpec
from trainer.store.tables import Approval, Job
from trainer.types import ENDED, JobKind, JobStatus

OPEN = [status.value for status in JobStatus if status not in ENDED]


def send_ahead(context: Context, approval: Approval) -> Job | None:
    """Queue a preflight for a request made in a thread; None where nobody would see it, or no worker is alive."""
    subject, origin = approval.subject, approval.origin
    if not origin.get("thread_ts") or subject["spec"].get("provider", "local") != "local":
        return None
    if not context.services.heartbeats.has("worker:gpu"):
        return None
    return add(context, subject | {"tokens": _tokens(subject)}, approval_id=approval.id)


def _tokens(subject: dict[str, Any]) -> int:
    """Of an epoch's new rows, by the estimate that people see."""
    spec, made = subject["spec"], subject["estimate"]
    return round(made["tokens"] / spec["epochs"] / (1 + spec.get("replay", 0)))


def add(context: Context, subject: dict[str, Any], *, approval_id: str | None = None) -> Job:
    """`subject` is {"spec", "base_location", "dataset_id", "tokens"}."""
    services, caller = context.services, context.caller
    RunSpec(**subject["spec"])
    with services.db.write() as session:
        job = services.jobs.add(
            session,
            JobKind.PREFLIGHT,
            spec=subject["spec"] | {"base_location": subject["base_location"], "tokens": subject["tokens"]},
            dataset_id=subject["dataset_id"],
            owner=caller.user,
            team=caller.team,
            origin=caller.origin,
            approval_id=approval_id,
        )
    services.wakeups.enqueue(job)
    return job


def call_off(context: Context, approval: Approval) -> None:
    """Cancel the preflight of a request that is decided: the run does its own. Nobody is told."""
    with context.services.db.read() as session:
        waiting = list(session.scalars(_of(approval.id).where(Job.status.in_(OPEN))))
    for job in waiting:
        try:
            context.services.jobs.request_cancel(job.id, context.caller.user)
        except Conflict:  # it ended at this very moment
            continue


def not_refused(session: Session, approval: Approval) -> None:
    """Raise Conflict where the request's preflight has failed."""
    for job in session.scalars(_of(approval.id).where(Job.status == JobStatus.SUCCEEDED.value)):
        failed = next((check for check in (job.result or {}).get("checks", []) if check["ok"] is False), None)
        if failed is not None:
            fix = f"{failed.get('fix', '')} Ask again after correcting it.".strip()
            raise Conflict(f"The preflight failed: {failed['words']}", fix=fix, code="preflight_failed")


def _of(approval_id: str) -> Any:
    return select(Job).where(Job.approval_id == approval_id, Job.kind == JobKind.PREFLIGHT.value)
