"""From a tool's artifact, {"card": kind, "id": …}, to the card that Slack shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot import versions
from bot.attachments import Files, attach, with_fix, with_report
from bot.blocks import advice, approval, build, dataset, dataset_fix, evaluation, failures, note, override, poll, suites
from bot.blocks.kit import Card
from bot.blocks.mrkdwn import code
from bot.door import Door
from tools import datasets, evaluation_report, lessons, polls
from tools.building.threads import read_draft
from tools.context import Context
from tools.evaluation_report import NOTHING, Beside
from trainer.store.tables import Approval, Dataset, Evaluation

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    card: Card
    picture: Json | None = None
    files: Files | None = None  # uploaded after the card
    before: Card | None = None  # a message of its own above the card


def show(context: Context, artifact: dict[str, str]) -> Shown | None:
    """The card for an artifact; None for kinds that show themselves (a job's card is the notifier's)."""
    make = KINDS.get(artifact["card"])
    return make(context, artifact) if make else None


def post(door: Door, key: str, origin: dict[str, str], shown: Shown) -> None:
    """Say it in the thread: what comes before, the card with its picture, then the files, each once."""
    if shown.before:
        door.outbox.post(f"{key}:before", origin, shown.before)
    door.outbox.post(key, origin, shown.card, shown.picture)
    if shown.files and door.services.db.claim(f"files:{key}"):
        attach(door, origin, shown.files)


def of_approval(context: Context, row: Approval) -> Card:
    """An approval as it stands: with buttons while it is pending, without them once decided."""
    found = _dataset(context, row), _evaluation(context, row)
    return approval.asked(row, *found) if row.status == "pending" else approval.decided(row, *found)


def of_evaluation(row: Evaluation, beside: Beside = NOTHING) -> Shown:
    return Shown(evaluation.shown(row, beside), {"kind": "evaluation", "id": row.id})


def _show_approval(context: Context, artifact: dict[str, str]) -> Shown:
    return Shown(of_approval(context, context.services.approvals.get(artifact["id"])))


def _show_dataset(context: Context, artifact: dict[str, str]) -> Shown:
    row = context.services.datasets.get(artifact["id"])
    return Shown(of_dataset(context, row))


def of_version(context: Context, row: Dataset) -> Card:
    """What was done for a new version, for people to look over."""
    parent = context.services.datasets.get(row.parent_id or row.id)
    return dataset_fix.mended(parent, row, versions.reasons(context, row), versions.sample(context, row))


def of_dataset(context: Context, row: Dataset) -> Card:
    return dataset.report(row.filename, datasets.report_of(context, row), row)


def _show_version(context: Context, artifact: dict[str, str]) -> Shown:
    row = context.services.datasets.get(artifact["id"])
    return Shown(of_dataset(context, row), files=with_fix(context, row), before=of_version(context, row))


def _show_report(context: Context, artifact: dict[str, str]) -> Shown:
    row = context.services.datasets.get(artifact["id"])
    return Shown(note.line(f"The report of {code(row.id)} follows."), files=with_report(context, row))


def _show_evaluation(context: Context, artifact: dict[str, str]) -> Shown:
    row = context.services.models.evaluation(artifact["id"])
    return of_evaluation(row, evaluation_report.beside(context.services, row))


def _show_refused(context: Context, artifact: dict[str, str]) -> Shown:
    return Shown(override.refused(artifact["text"], artifact["id"], artifact["alias"]))


def _show_advice(context: Context, artifact: dict[str, str]) -> Shown:
    from tools.advice import advise

    said = artifact.get("examples")
    return Shown(advice.shown(advise(context, artifact["id"], examples=int(said) if said else None)))


def _show_poll(context: Context, artifact: dict[str, str]) -> Shown:
    row = context.services.polls.get(artifact["id"])
    return Shown(poll.shown(polls.standing(context.services, row)))


def _show_failures(context: Context, artifact: dict[str, str]) -> Shown:
    return Shown(of_failures(context, lessons.browse(context, artifact["id"])))


def of_failures(context: Context, found: lessons.Browsed, cause: str = failures.ALL, at: int = 0) -> Card:
    """One failure of an evaluation, among those of its cause."""
    dataset = context.services.datasets.get(found.evaluation.dataset_id)
    return failures.shown(found, len(lessons.waiting(context, dataset)), cause, at)


def _show_draft(context: Context, artifact: dict[str, str]) -> Shown:
    return Shown(build.preview(read_draft(context, artifact["id"])))


def _dataset(context: Context, row: Approval) -> Dataset | None:
    wanted = row.subject.get("dataset_id")
    return context.services.datasets.get(wanted) if wanted else None


def _evaluation(context: Context, row: Approval) -> Evaluation | None:
    wanted = row.subject.get("evaluation_id")
    return context.services.models.evaluation(wanted) if wanted else None


def _show_suite(context: Context, artifact: dict[str, str]) -> Shown:
    return Shown(suites.shown(context.services.suites.resolve(artifact["id"])))


KINDS: dict[str, Callable[[Context, dict[str, str]], Shown]] = {
    "advice": _show_advice,
    "approval": _show_approval,
    "dataset": _show_dataset,
    "draft": _show_draft,
    "evaluation": _show_evaluation,
    "failures": _show_failures,
    "poll": _show_poll,
    "refused": _show_refused,
    "report": _show_report,
    "suite": _show_suite,
    "version": _show_version,
}
