"""The card that asks a person: what will happen, what it costs, Approve and Reject. And what was decided."""

from __future__ import annotations

import time
from typing import Any

from bot import actions as ids
from bot.blocks import build, gate, hosted, override, sweep
from bot.blocks.kit import Card, Json, actions, button, card, confirmation, context, fields, section
from bot.blocks.memory import no_room
from bot.blocks.mrkdwn import code, esc, name, person
from tools.sentences import taught
from tools.units import duration, size
from trainer.store.tables import Approval, Dataset, Evaluation

TITLE = {
    "train": "Train a model?",
    "augment": "Let a language model write rows?",
    "sweep": "Try several settings?",
    "promote": "Promote a model?",
    "override": "Override the gate?",
    "rollback": "Roll back an alias?",
}
WHO = {
    "train": "Anyone who may train models can approve.",
    "augment": "Anyone who may train models can approve.",
    "sweep": "Anyone who may train models can approve.",
    "promote": "An approver other than the requester has to approve.",
    "override": "Two different approvers have to sign.",
    "rollback": "An approver other than the requester has to approve.",
}
DONE = {"approved": ("✅", "Approved"), "rejected": ("🚫", "Rejected")}


def asked(row: Approval, dataset: Dataset | None, evaluation: Evaluation | None = None) -> Card:
    """A pending request with its buttons; their value is the approval's id and nothing else."""
    return card(
        f"{TITLE[row.kind]} {_headline(row)} Waiting for a person to approve.",
        section(f"✋ *{TITLE[row.kind]}* {_headline(row)}"),
        *_details(row, dataset, evaluation),
        actions(_approve(row), button("Reject", ids.REJECT, row.id, style="danger")),
        context(f"Asked by {person(row.requested_by)}. {WHO[row.kind]} Nothing happens before that."),
    )


def decided(row: Approval, dataset: Dataset | None, evaluation: Evaluation | None = None) -> Card:
    """The same card after the decision: by whom, when, and no buttons."""
    symbol, word = DONE.get(row.status, ("⌛", "Expired"))
    when = (
        f"<!date^{int(row.decided_at)}^{{date_short_pretty}} {{time}}|{_utc(row.decided_at)}>" if row.decided_at else ""
    )
    by = f" by {person(row.decided_by)}" if row.decided_by else ""
    return card(
        f"{word}: {_headline(row)}",
        section(f"{symbol} *{word}*{by}{', ' + when if when else ''}. {_headline(row)}"),
        *_details(row, dataset, evaluation),
        context(f"Asked by {person(row.requested_by)}."),
    )


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))


def _approve(row: Approval) -> Json:
    sure = None
    if row.kind in ("promote", "override", "rollback"):
        text = f"From then on, programs that call “{row.subject['alias']}” get {row.subject['model_id']}."
        sure = confirmation(TITLE[row.kind], text, "Approve", "Not yet")
    return button("Approve", ids.APPROVE, row.id, style="primary", confirm=sure)


def _headline(row: Approval) -> str:
    subject = row.subject
    if row.kind == "augment":
        return build.headline(subject)
    if row.kind == "sweep":
        return sweep.headline(subject)
    if row.kind == "train" and subject.get("hosted"):
        return hosted.headline(subject)
    if row.kind == "train":
        spec, made = subject["spec"], subject["estimate"]
        how = esc(taught(spec["method"], spec.get("objective")))
        return f"{how} on {code(spec['base'])}, about {duration(made['seconds'])}, {_cost(made)}."
    return f"{code(subject['alias'])} → {code(subject['model_id'])}."


def _cost(made: dict[str, Any]) -> str:
    return f"${made['cost_usd']:,.2f}" if made.get("cost_usd") else "no cost"


def _details(row: Approval, dataset: Dataset | None, evaluation: Evaluation | None) -> list[Json]:
    if row.kind == "augment":
        return build.details(row.subject, dataset)
    if row.kind == "sweep":
        return sweep.details(row.subject, dataset)
    if row.kind == "train":
        run = hosted.details if row.subject.get("hosted") else _training
        return [*run(row.subject, dataset), *gate.details(row.subject)]
    why = override.details(row) if row.kind == "override" else []
    return [*_promotion(row.subject, evaluation), *why]


def _training(subject: dict[str, Any], dataset: Dataset | None) -> list[Json]:
    spec, made = subject["spec"], subject["estimate"]
    counts = (subject.get("split") or {}).get("counts", {})
    rows = f"{counts.get('train', 0):,} train, {counts.get('dev', 0):,} dev, {counts.get('test', 0):,} test (sealed)"
    old = code(spec["replay_dataset"]) if spec.get("replay_dataset") else "old tasks"
    how = esc(taught(spec["method"], spec.get("objective")))
    replay = f", replay {spec['replay']:.0%} of {old}" if spec.get("replay") else ""
    trained = f"{made.get('trainable_params', 0):,} of {made.get('total_params', 0):,} parameters"
    return [
        fields(
            ("Dataset", f"{name(dataset.filename) if dataset else '—'}\n{rows}"),
            ("Base", code(spec["base"])),
            (
                "Method",
                f"{how}, {spec['epochs']:g} {'epoch' if spec['epochs'] == 1 else 'epochs'}{replay}",
            ),
            ("Time", f"about {duration(made['seconds'])}"),
            ("Memory", size(made["memory_bytes"])),
            ("Cost", _cost(made)),
        ),
        *no_room(made),
        context(f"{trained} train, seed {spec['seed']}. {esc(made.get('basis', ''))}"),
    ]


def _promotion(subject: dict[str, Any], evaluation: Evaluation | None) -> list[Json]:
    before = code(subject["previous"]) if subject.get("previous") else "nothing yet (a new alias)"
    verdict = "—"
    if evaluation is not None:
        reasons = " ".join(str(r) for r in evaluation.report.get("reasons", [])[:2])
        verdict = f"*{esc(evaluation.verdict)}*. {esc(reasons)}"
    return [
        fields(("From", before), ("To", code(subject["model_id"]))),
        *([section(f"Evaluation: {verdict}"), context(_judged_by(subject))] if evaluation is not None else []),
    ]


def _judged_by(subject: dict[str, Any]) -> str:
    digest = subject.get("gate_digest")
    return (
        f"Gate {code(digest[:8])}, registered before training." if digest else "Gate: not registered before training."
    )
