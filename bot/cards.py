"""From a tool's artifact, {"card": kind, "id": …}, to the card that Slack shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.blocks import advice, approval, dataset, evaluation
from bot.blocks.kit import Card
from tools import datasets
from tools.context import Context
from trainer.store.tables import Approval, Dataset, Evaluation

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    card: Card
    picture: Json | None = None


def show(context: Context, artifact: dict[str, str]) -> Shown | None:
    """The card for an artifact; None for kinds that show themselves (a job's card is the notifier's)."""
    make = KINDS.get(artifact["card"])
    return make(context, artifact) if make else None


def of_approval(context: Context, row: Approval) -> Card:
    """An approval as it stands: with buttons while it is pending, without them once decided."""
    found = _dataset(context, row), _evaluation(context, row)
    return approval.asked(row, *found) if row.status == "pending" else approval.decided(row, *found)


def of_evaluation(row: Evaluation) -> Shown:
    return Shown(evaluation.shown(row), {"kind": "evaluation", "id": row.id})


def _show_approval(context: Context, artifact: dict[str, str]) -> Shown:
    return Shown(of_approval(context, context.services.approvals.get(artifact["id"])))


def _show_dataset(context: Context, artifact: dict[str, str]) -> Shown:
    row = context.services.datasets.get(artifact["id"])
    return Shown(dataset.report(row.filename, datasets.report_of(context, row), row))


def _show_evaluation(context: Context, artifact: dict[str, str]) -> Shown:
    return of_evaluation(context.services.models.evaluation(artifact["id"]))


def _show_advice(context: Context, artifact: dict[str, str]) -> Shown:
    from tools.advice import advise

    said = artifact.get("examples")
    return Shown(advice.shown(advise(context, artifact["id"], examples=int(said) if said else None)))


def _dataset(context: Context, row: Approval) -> Dataset | None:
    return context.services.datasets.get(row.subject["dataset_id"]) if row.kind == "train" else None


def _evaluation(context: Context, row: Approval) -> Evaluation | None:
    wanted = row.subject.get("evaluation_id")
    return context.services.models.evaluation(wanted) if wanted else None


KINDS: dict[str, Callable[[Context, dict[str, str]], Shown]] = {
    "advice": _show_advice,
    "approval": _show_approval,
    "dataset": _show_dataset,
    "evaluation": _show_evaluation,
}
