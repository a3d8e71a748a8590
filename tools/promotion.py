"""Promote a model behind an alias, override the gate, or roll an alias back. All only ask; other people decide."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import Session

from tools.context import APPROVER, TRAINER, Context
from tools.evaluation import latest, pick_model
from tools.gates import REGISTERED, free_alias
from trainer.bases import find_base, known_bases
from trainer.errors import BadInput, Conflict, NotFound
from trainer.evals.case import BASE, HOLDER
from trainer.registry.aliases import swap
from trainer.registry.approvals import digest_of, signers
from trainer.services import Services
from trainer.store.tables import Alias, Approval, Evaluation, Model
from trainer.types import GateVerdict

LEAST_REASON, MOST_REASON = 10, 500  # characters
REFUSED = "gate_refused"  # the code of a refusal that two people may override
JUDGED = ("promote", "override")


def request(context: Context, model_id: str | None, alias: str) -> Approval:
    """Ask to point `alias` at the model. Refused unless its newest evaluation says PASS, by the gate that was
    registered before training, and compared it with what the alias serves now."""
    context.caller.need(TRAINER, "ask for a promotion")
    name, model, current = _wanted(context, model_id, alias)
    evaluation = _judged(context, model, latest(context, model))
    if evaluation.verdict != GateVerdict.PASS:
        raise _refused(model, evaluation, name)
    if not compared(evaluation, current):
        raise _not_compared(context, model, current)
    return _ask(context, "promote", _subject(name, model.id, model, current) | _evidence(context, model, evaluation))


def request_override(
    context: Context, model_id: str | None, alias: str, reason: str, *, signed: bool = False
) -> Approval:
    """Ask to promote a model that the gate did not pass. Two approvers must sign. `signed`: the requester asked in
    person, by a form or a command and not through a language model, and signs with it where they are an approver."""
    context.caller.need(TRAINER, "ask for an override")
    why = reason_of(reason)
    name, model, current = _wanted(context, model_id, alias)
    evaluation = _judged(context, model, latest(context, model))
    _may_be_overridden(context, model, evaluation, current, name)
    subject = _subject(name, model.id, model, current) | _evidence(context, model, evaluation)
    subject |= {"reason": why, "verdict": evaluation.verdict, "holder_compared": compared(evaluation, current)}
    return _ask(context, "override", subject, signed=signed and APPROVER in context.caller.roles)


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
    against = {"verdict": subject["verdict"], "reason": subject["reason"]} if approval.kind == "override" else {}
    return moved | {"previous": subject["previous"]} | against


def still_judged(session: Session, approval: Approval) -> None:
    """Between asking and deciding, a newer evaluation may have said otherwise."""
    subject = approval.subject
    if approval.kind not in JUDGED:
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


def overrides_of(services: Services, evaluation_id: str) -> list[Approval]:
    """The overrides of this evaluation's verdict that were approved, newest first."""
    return [row for row in services.approvals.approved("override") if row.subject["evaluation_id"] == evaluation_id]


def override_behind(services: Services, alias: str, model_id: str) -> Approval | None:
    """The override by which `alias` came to serve this model; None where the gate had passed it."""
    for row in services.aliases.history(alias):
        approval = _approval(services, row.approval_id) if row.model_id == model_id else None
        if approval is not None and approval.kind in JUDGED:  # a rollback does not say how the model came here first
            return approval if approval.kind == "override" else None
    return None


def told(row: Approval) -> str:
    """An override in a sentence: the verdict, the names, the reason."""
    by = " and ".join(signers(row)) or "nobody yet"
    return f"Promoted {overridden(row)}; signed by {by}: “{row.subject['reason']}”"


def overridden(row: Approval) -> str:
    """What two people set aside."""
    if row.subject["verdict"] == GateVerdict.PASS:
        return f"without a comparison with {row.subject['previous']}, which it served before"
    return f"against the gate, which said {row.subject['verdict']}"


def reason_of(text: str) -> str:
    """Somebody's reason on one line. Raises BadInput where it is none."""
    said = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip().strip("\"“”'").strip()
    if not LEAST_REASON <= len(said) <= MOST_REASON:
        much = "too long" if len(said) > MOST_REASON else "too short"
        raise BadInput(
            f"That reason is {much}: {len(said)} characters.",
            fix=f"Say in {LEAST_REASON} to {MOST_REASON} characters why this model should go out all the same; "
            "it stays on the card.",
            code="bad_reason",
            param="reason",
        )
    return said


def compared(evaluation: Evaluation, current: Alias | None) -> bool:
    """Whether the gate held the candidate against what the alias serves now; nothing serves, nothing to compare."""
    if current is None:
        return True
    against = (c for c in evaluation.report.get("contestants") or () if c.get("key") in (BASE, HOLDER))
    return any(c.get("model") == current.model_id for c in against)


def _wanted(context: Context, model_id: str | None, alias: str) -> tuple[str, Model, Alias | None]:
    name = free_alias(context, alias)
    model = pick_model(context, model_id)
    current = context.services.aliases.find(name)
    if current is not None and current.model_id == model.id:
        raise Conflict(f"{name} already points to {model.id}.", fix="Nothing to do.", code="already_there")
    return name, model, current


def _judged(context: Context, model: Model, evaluation: Evaluation | None) -> Evaluation:
    """The evidence, if there is any and the registered gate judged it."""
    if evaluation is None:
        raise Conflict(
            f"{model.id} has not been evaluated yet.",
            fix="Ask me to evaluate it first; only a PASS can be promoted.",
            code="not_evaluated",
        )
    wanted = registered(context, model).get("digest")
    judged_by = (evaluation.report.get(REGISTERED) or {}).get("digest")
    if wanted and judged_by != wanted:
        by = f"by gate {str(judged_by)[:8]}" if judged_by else "by a gate that nobody registered"
        raise Conflict(
            f"{evaluation.id} was judged {by}, and {model.id} was trained under gate {wanted[:8]}.",
            fix=f"Evaluate again: `evaluate {model.id}`. A gate is chosen before training, never after.",
            code="another_gate",
        )
    return evaluation


def registered(context: Context, model: Model) -> dict[str, Any]:
    """{"digest", "approval", "by", "at"} of the gate that the model's run was asked for with; {} from before gates."""
    try:
        return dict(context.services.jobs.get(model.job_id).spec.get(REGISTERED) or {})
    except NotFound:
        return {}


def _refused(model: Model, evaluation: Evaluation, name: str) -> Conflict:
    reasons = " ".join(_against(evaluation)[:2])
    fix = "Mend what it names, train again, and evaluate the new model."
    if evaluation.report.get("code") != "contaminated":
        fix += f" Two approvers can override it: `override {model.id} to {name} because …`."
    return Conflict(
        f"The gate said {evaluation.verdict}, so I can't promote {model.id}. {reasons}", fix=fix, code=REFUSED
    )


def _not_compared(context: Context, model: Model, current: Alias | None) -> Conflict:
    name, holder = (current.name, current.model_id) if current else ("", "")
    fix = f"Evaluate again: `evaluate {model.id} against {name}`."
    if not _can_compare(context, current):
        fix = "No model or base of that name is here to be compared; two approvers can override: "
        fix += f"`override {model.id} to {name} because …`."
    return Conflict(
        f"{name} serves {holder} now; this evaluation did not compare with it.", fix=fix, code="holder_not_compared"
    )


def _can_compare(context: Context, current: Alias | None) -> bool:
    """Whether what the alias serves is here to be asked beside the candidate."""
    if current is None or context.services.models.find(current.model_id) is not None:
        return True
    return find_base(current.model_id, context.services.settings) is not None


def _may_be_overridden(
    context: Context, model: Model, evaluation: Evaluation, current: Alias | None, name: str
) -> None:
    if evaluation.verdict == GateVerdict.PASS and not compared(evaluation, current):
        if _can_compare(context, current):
            raise _not_compared(context, model, current)
    elif evaluation.verdict == GateVerdict.PASS:
        raise Conflict(
            f"The gate said PASS for {model.id}: there is nothing to override.",
            fix=f"Promote it: `promote {model.id} to {name}`.",
            code="nothing_to_override",
        )
    if evaluation.report.get("code") == "contaminated":
        raise Conflict(
            f"Training saw test rows of {model.id}, so there is no evidence at all: that cannot be overridden.",
            fix="Split the dataset again, train on its training part, and evaluate.",
            code="no_evidence",
        )


def _evidence(context: Context, model: Model, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "evaluation_id": evaluation.id,
        "evaluation_digest": digest_of(evaluation.report),
        "gate_digest": registered(context, model).get("digest", ""),
    }


def _against(evaluation: Evaluation) -> list[str]:
    """Why it did not pass: what decided first."""
    findings = evaluation.report.get("findings") or []
    decisive = [str(found["reason"]) for found in findings if found.get("verdict") == evaluation.verdict]
    return decisive or list(evaluation.report.get("reasons") or [])


def _subject(alias: str, target: str, model: Model | None, current: Alias | None) -> dict[str, Any]:
    """What the approval covers; `model` is None where the target is a base."""
    return {
        "alias": alias,
        "alias_revision": current.revision if current else 0,
        "previous": current.model_id if current else None,
        "model_id": target,
        "manifest_digest": digest_of(model.manifest) if model else None,
    }


def _approval(services: Services, approval_id: str) -> Approval | None:
    try:
        return services.approvals.get(approval_id)
    except NotFound:
        return None


def _ask(context: Context, kind: str, subject: dict[str, Any], *, signed: bool = False) -> Approval:
    caller = context.caller
    return context.services.approvals.ask(kind, subject, by=caller.user, origin=caller.origin, signed=signed)
