"""Failures that people turned into examples, asked again: which are mended by now, and in which version of the data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from trainer.evals.case import CANDIDATE, Case, Check, Role, Suite
from trainer.evals.outcome import Row
from trainer.store.tables import Lesson
from trainer.types import ChatMessage

LESSONS = "lessons"
NAMED = 5  # ids that are shown


def suite(lessons: Sequence[Lesson], line: Mapping[str, int], primary: Check) -> Suite | None:
    """The lessons that the candidate's dataset or a parent of it holds (`line`: dataset id → number, root first), as
    cases; None for none. Those of the train side are in the training data by design: they tell what was learned,
    those of the eval side what carries over."""
    version = max(line.values(), default=1)
    cases = tuple(_case(lesson, version) for lesson in lessons if lesson.dataset_id in line)
    if not cases:
        return None
    sha256 = hashlib.sha256("\n".join(sorted(case.id for case in cases)).encode()).hexdigest()
    about = "Failures of earlier models that people turned into examples."
    return Suite(LESSONS, sha256, cases, Role.LESSONS, primary.metric, (primary,), about)


def _case(lesson: Lesson, version: int) -> Case:
    messages = tuple(ChatMessage(m["role"], m["content"]) for m in lesson.row["messages"])
    slices = {"version": f"v{version}", "side": lesson.side}
    return Case(lesson.id, messages[:-1], messages[-1].content, slices)


def told(rows: Sequence[Row], primary: str) -> list[str]:
    """`Of 8 failures that people looked at: fixed in v7: 5, still open: 3 (…).`, where the candidate learned from v7;
    [] where none was asked."""
    asked = [row for row in rows if row.suite == LESSONS]
    if not asked:
        return []
    open_ = [row.id for row in asked if row.scores.get(CANDIDATE, {}).get(primary, 0.0) < 1]
    noun = "1 failure" if len(asked) == 1 else f"{len(asked)} failures"
    named = ", ".join(open_[:NAMED]) + (" …" if len(open_) > NAMED else "")
    which = f" ({named})" if open_ else ""
    fixed = f"fixed in {asked[0].slices['version']}: {len(asked) - len(open_)}"
    return [f"Of {noun} that people looked at: {fixed}, still open: {len(open_)}{which}."]
