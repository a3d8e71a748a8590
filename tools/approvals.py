"""Decide what was asked. Only doors call this, with the identity of the person who clicked; no model can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from tools import companion, promotion, sweep, training
from tools.building import augmenting
from tools.context import APPROVER, TRAINER, Context, roles_of
from trainer.errors import Conflict
from trainer.registry.approvals import own_request, signers
from trainer.store.tables import Approval, Dataset, Job

ROLE = {
    "train": TRAINER,
    "augment": TRAINER,
    "sweep": TRAINER,
    "promote": APPROVER,
    "override": APPROVER,
    "rollback": APPROVER,
}
SECOND_PERSON = {"train": False, "augment": False, "sweep": False, "promote": True, "override": False, "rollback": True}
SIGNATURES = {"override": 2}  # different people; of everything else, one approval is enough
NOUN = {"train": "training run", "augment": "augmentation"}
STARTS = {"train": training.start, "augment": augmenting.start, "sweep": sweep.start}


@dataclass(frozen=True, slots=True)
class Decision:
    """The decided request, and what it started: a job (`train`, `augment`, `sweep`) or a moved alias."""

    approval: Approval
    job: Job | None = None
    moved: dict[str, Any] = field(default_factory=dict)


def decide(context: Context, approval_id: str, *, approve: bool) -> Decision:
    """Approve or reject, once. The requester may always reject (withdraw) their own request. An override stays pending
    until two different approvers have signed."""
    services, caller = context.services, context.caller
    asked = services.approvals.get(approval_id)
    own = asked.requested_by == caller.user
    if own and approve and SECOND_PERSON[asked.kind]:
        raise own_request()
    if not own or approve:
        caller.need(ROLE[asked.kind], f"decide about this {_noun(asked.kind)}")
    started: list[Job] = []

    def then(session: Session, row: Approval) -> dict[str, Any]:
        if row.kind not in STARTS:
            return promotion.apply(session, row, caller.user)
        started.append(STARTS[row.kind](context, session, row))
        gate = {"gate": row.subject["gate_digest"]} if row.subject.get("gate") else {}
        return {"job": started[0].id, **gate}

    row, done = services.approvals.decide(
        approval_id,
        by=caller.user,
        approve=approve,
        second_person=SECOND_PERSON[asked.kind],
        check=lambda session, row: _unchanged(context, session, row),
        then=then,
        needed=SIGNATURES.get(asked.kind, 1),
    )
    if row.kind == "train":
        companion.call_off(context, row)
    if not started:
        return Decision(row, moved=done)
    job = started[0]
    services.threads.link(row.origin, job_id=job.id)
    services.wakeups.enqueue(job)
    return Decision(row, job=job)


def _unchanged(context: Context, session: Session, row: Approval) -> None:
    """What the approval covers is still what it was, and whoever signed before may still do so."""
    promotion.still_judged(session, row)
    for signer in signers(row):
        if APPROVER not in roles_of(signer, context.services.settings):
            raise Conflict(
                f"{signer} signed this and is no approver any more.", fix="Ask again.", code="signer_lost_role"
            )
    if row.kind == "augment":
        augmenting.unchanged(session, row)
    if row.kind == "train":
        companion.not_refused(session, row)
    if row.kind in ("train", "sweep"):
        for covered in filter(None, (row.subject, row.subject.get("replay"))):
            dataset = session.get(Dataset, covered["dataset_id"])
            if dataset is None or dataset.split != covered["split"]:
                raise Conflict("The dataset changed after this was asked.", fix="Ask again.", code="changed")


def _noun(kind: str) -> str:
    return {
        "train": "training run",
        "augment": "augmentation",
        "sweep": "sweep",
        "promote": "promotion",
        "override": "override",
        "rollback": "rollback",
    }[kind]
