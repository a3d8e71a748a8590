"""Failures and lessons in words, for the agent and the terminal. No word of the data is in them: models read these."""

from __future__ import annotations

from collections.abc import Sequence

from tools.lessons import TRAIN, Browsed
from trainer.evals.failures import CAUSES
from trainer.store.tables import Dataset, Lesson


def browsed(found: Browsed) -> str:
    row = found.evaluation
    if not found.failures:
        return f"{row.model_id} failed on nothing that {row.id} asked."
    lost = sum(one.lost for one in found.failures)
    causes = "; ".join(f"{CAUSES[cause].lower()}: {count}" for cause, count in found.causes.items())
    had = f", {lost} of which the base has right" if lost else ""
    return f"{len(found.failures)} failures of {row.model_id} in {row.id}{had}. By cause: {causes}."


def learned(lesson: Lesson, *, new: bool) -> str:
    kept = f"Kept as {lesson.id}" if new else f"{lesson.id} has the newer answer"
    if lesson.side == TRAIN:
        return f"{kept}: a training example, for the next version of the data."
    if lesson.dataset_id:
        asked = "a sealed test row and stays one" if lesson.suite == "test" else "asked by a suite and never trained on"
        return f"{kept}: its prompt is {asked}; the next evaluations tell whether it is mended."
    return f"{kept}: an eval example, for the next version of the data; it is never trained on."


def made(version: Dataset, lessons: Sequence[Lesson]) -> str:
    """`tickets.jsonl is version 7 now (file-…): it holds 5 lessons, 4 to train on and 1 to evaluate with.`"""
    trained = sum(lesson.side == TRAIN for lesson in lessons)
    count = f"{len(lessons)} lesson{'' if len(lessons) == 1 else 's'}"
    return (
        f"{version.filename} is version {version.version} now ({version.id}): it holds {count}, {trained} to train on "
        f"and {len(lessons) - trained} to evaluate with. It is to mend: {fixes(version)}."
    )


def fixes(version: Dataset) -> str:
    """What a version says that it mends: `3 × JSON with wrong or missing fields; 1 × No answer at all`."""
    told = version.change.get("fixes") or []
    return "; ".join(f"{one['count']} × {CAUSES.get(one['cause'], one['cause'])}" for one in told) or "nothing"


def waiting(lessons: Sequence[Lesson]) -> str:
    if not lessons:
        return "No lesson waits for a version."
    count = "1 lesson waits" if len(lessons) == 1 else f"{len(lessons)} lessons wait"
    return f"{count} for the next version of the data."
