"""Promote a model behind an alias, or roll the alias back. Both only ask; a second person decides."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from tools.context import TRAINER, Context
from tools.evaluation import latest, pick_model
from trainer.bases import known_bases
from trainer.errors import BadInput, Conflict
from trainer.registry.aliases import check_name, swap
from trainer.registry.approvals import digest_of
from trainer.store.tables import Alias, Approval, Evaluation, Model
from trainer.types import GateVerdict


def request(context: Context, model_id: str | None, alias: str) -> Approval:
    """Ask to point `alias` at the model. Refused unless its newest evaluation says PASS."""
    context.caller.need(TRAINER, "ask for a promotion")
    name = _free_name(context, alias)
    model = pick_model(context, model_id)
    evaluation = _passed(model, latest(context, model))
    current = context.services.aliases.find(name)
    if current is not None and current.model_id == model.id:
        raise Conflict(f"{name} already points to {model.id}.", fix="Nothing to do.", code="already_there")
    subject = _subject(name, model.id, model, current) | {
        "evaluation_id": evaluation.id,
        "evaluation_digest": digest_of(evaluation.report),
    }
    return _ask(context, "promote", subject)


def request_rollback(context: Context, alias: str) -> Approval:
    """Ask to point `alias` back at what it served before; after the first promotion that is the base."""
    context.caller.need(TRAINER, "ask for a rollback")
    services = context.services
    current = services.aliases.get(alias)
    present = services.models.find(current.model_id)
    target = services.aliases.previous_model(alias) or (present.base if present else None)
    if target is None:
        raise Conflict(
            f"{alias} already points to the base {current.model_id}.",
            fix="There is nothing to roll back to; promote a model instead.",
            code="no_previous",
        )
    if services.models.find(target) is None and target not in known_bases(services.settings):
        raise Conflict(
            f"Before this, {alias} served nothing, and its base {target} has no name that programs may call.",
            fix="Put the base into a folder of TUNESMITH_BASE_FOLDERS, or promote another model instead.",
            code="no_previous",
        )
    return _ask(context, "rollback", _subject(alias, target, services.models.find(target), current))


def apply(session: Session, approval: Approval, by: str) -> dict[str, Any]:
    """Move the alias, within the transaction of the decision and of its audit row."""
    subject = approval.subject
    revision = swap(
        session,
        subject["alias"],
        subject["model_id"],
        expected=subject["alias_revision"],
        by=by,
        approval_id=approval.id,
    )
    moved = {"alias": subject["alias"], "model_id": subject["model_id"], "revision": revision}
    return moved | {"previous": subject["previous"]}


def still_passes(session: Session, approval: Approval) -> None:
    """Between asking and deciding, a newer evaluation may have said otherwise."""
    subject = approval.subject
    if approval.kind != "promote":
        return
    newest = (
        session.query(Evaluation)
        .filter(Evaluation.model_id == subject["model_id"])
        .order_by(Evaluation.created_at.desc())
        .first()
    )
    if newest is None or newest.id != subject["evaluation_id"]:
        raise Conflict(
            "The model was evaluated again after this was asked.",
            fix="Look at the newer verdict, and ask again.",
            code="evaluation_changed",
        )
    if digest_of(newest.report) != subject["evaluation_digest"]:
        raise Conflict("The evaluation was altered.", fix="Evaluate again.", code="altered")


def _free_name(context: Context, alias: str) -> str:
    name = check_name(alias)
    if name in known_bases(context.services.settings):
        raise BadInput(
            f"“{name}” is the name of a base model.",
            fix="Choose another alias, such as tickets-prod.",
            code="bad_alias",
            param="alias",
        )
    return name


def _passed(model: Model, evaluation: Evaluation | None) -> Evaluation:
    if evaluation is None:
        raise Conflict(
            f"{model.id} has not been evaluated yet.",
            fix="Ask me to evaluate it first; only a PASS can be promoted.",
            code="not_evaluated",
        )
    if evaluation.verdict != GateVerdict.PASS:
        reasons = " ".join(evaluation.report.get("reasons", [])[:2])
        raise Conflict(
            f"The gate said {evaluation.verdict}, so I can't promote {model.id}. {reasons}",
            fix="Mend what it names, train again, and evaluate the new model.",
            code="gate_refused",
        )
    return evaluation


def _subject(alias: str, target: str, model: Model | None, current: Alias | None) -> dict[str, Any]:
    """What the approval covers; `model` is None where the target is a base."""
    return {
        "alias": alias,
        "alias_revision": current.revision if current else 0,
        "previous": current.model_id if current else None,
        "model_id": target,
        "manifest_digest": digest_of(model.manifest) if model else None,
    }


def _ask(context: Context, kind: str, subject: dict[str, Any]) -> Approval:
    caller = context.caller
    return context.services.approvals.ask(kind, subject, by=caller.user, origin=caller.origin)
