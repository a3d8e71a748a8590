"""Which events of a job deserve a reply in its thread, and which reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot import cards
from bot.blocks import build, milestone, preflight, sweep
from bot.blocks.kit import Card
from tools import canaries
from tools.units import duration
from trainer.services import Services
from trainer.store.tables import Event, Job
from trainer.types import JobKind, JobStatus

Owed = tuple[str, Card, dict[str, Any] | None]  # part of the outbox key, message, picture
LONG_S = 120.0  # shorter runs get no half-way reply
LOST = ("lost", "crashed")
ONCE = ("overfitting", "out_of_memory")  # notes of a run that deserve a reply, however often they are made


def of(services: Services, job: Job, event: Event) -> Iterator[Owed]:
    """The replies that an event owes. The part of the key says what can happen only once."""
    if event.type == "status":
        yield from _status(services, job, event)
    elif event.type == "note" and job.kind != JobKind.CANARY:
        yield from _note(event)
    elif event.type == "progress":
        yield from _progress(event)


def _status(services: Services, job: Job, event: Event) -> Iterator[Owed]:
    status, data = JobStatus(event.data["status"]), event.data
    if status is JobStatus.RUNNING and data.get("attempt") == 1 and job.kind == JobKind.TRAIN:
        yield "started", milestone.started(job), None
    elif status is JobStatus.QUEUED and data.get("outcome") in LOST and not quiet(job):
        yield f"lost:{event.fence}", milestone.interrupted(job, str(data.get("detail") or "")), None
    elif status.ended and job.kind == JobKind.CANARY:
        if news := canaries.news(services, job):
            yield "final", milestone.canary(*news), None
    elif status.ended and not (quiet(job) and status is not JobStatus.SUCCEEDED):
        card, picture = final(services, job, data)
        yield "final", card, picture


def quiet(job: Job) -> bool:
    """No card: of a preflight that was sent ahead of a decision only the findings are told, of a canary only news."""
    return (job.kind == JobKind.PREFLIGHT and job.approval_id is not None) or job.kind == JobKind.CANARY


def final(services: Services, job: Job, data: dict[str, Any]) -> tuple[Card, dict[str, Any] | None]:
    """The one last message of a job."""
    status = JobStatus(data["status"])
    if status is JobStatus.CANCELLED:
        return milestone.cancelled(job, data.get("by")), None
    if status is JobStatus.FAILED:
        return milestone.failed(job), None
    if job.kind == JobKind.EVAL:
        shown = cards.of_evaluation(services.models.evaluation((job.result or {})["evaluation_id"]))
        return shown.card, shown.picture
    if job.kind == JobKind.AUGMENT:
        return build.made(job), None
    if job.kind == JobKind.SWEEP:
        return sweep.made(job), None
    if job.kind == JobKind.PREFLIGHT:
        return preflight.found(job), {"kind": "mask", "id": job.id}
    return milestone.trained(job), {"kind": "loss", "id": job.id}


def _note(event: Event) -> Iterator[Owed]:
    code, text = event.data.get("code"), str(event.data.get("text", ""))
    if code == "resumed":
        yield f"resumed:{event.fence}", milestone.resumed(text), None
    elif code == "checkpoint_damaged":
        yield f"damaged:{event.seq}", milestone.damaged(text), None
    elif code in ONCE:
        yield code, milestone.noted(text), None


def _progress(event: Event) -> Iterator[Owed]:
    step, total = event.data.get("step") or 0, event.data.get("total_steps") or 0
    left = event.data.get("eta_s") or 0.0
    if total and step * 2 >= total and left > LONG_S:
        yield "half", milestone.halfway(duration(left)), None


def link(services: Services, job: Job) -> None:
    """A thread whose job made a model is about that model from then on."""
    model = (job.result or {}).get("model_id")
    if job.status == JobStatus.SUCCEEDED and model and job.kind != JobKind.CANARY:
        services.threads.link(job.origin, model_id=str(model))
