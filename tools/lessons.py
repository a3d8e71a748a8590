"""From failures to the next version of the data: look at them by cause, keep what should have been said.

A prompt that an evaluation asked stays on the eval side for good: training on it would spoil the test. A prompt in
other words goes where its hash says, as every row of the dataset does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tools import polls
from tools.building.examples import Built, add_rows
from tools.context import TRAINER, Context
from tools.datasets import ensure_split, pick_dataset
from tools.datasets.splitting import as_before
from trainer.data.builder import errors, exchange
from trainer.data.split import place_of, prompt_key, prompt_keys
from trainer.errors import BadInput, NotFound
from trainer.evals.failures import Failure, by_cause, failures
from trainer.evals.outcome import Row
from trainer.store.lessons import hold
from trainer.store.tables import Dataset, Evaluation, Lesson

TRAIN, EVAL = "train", "eval"
LONGEST = 20_000  # characters of a prompt or an answer that somebody writes
KIND = "lessons"


@dataclass(frozen=True, slots=True)
class Browsed:
    """The failures of one evaluation, worst first, how many of each cause, and what voters would have had it say, by
    (suite, case)."""

    evaluation: Evaluation
    failures: tuple[Failure, ...]
    causes: dict[str, int]
    corrections: dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Learned:
    """`new` is False where this prompt was waiting already: then it has the newer answer."""

    lesson: Lesson
    new: bool


def browse(context: Context, which: str | None = None) -> Browsed:
    """Of an evaluation by its id, of a model's newest one, or of this thread's model's."""
    row = polls.opened(context, which)
    found = failures(rows_of(context, row), _primary(row))
    known = context.services.polls
    said = [one for poll in known.of(row.id) for one in known.corrections(poll.id)]
    return Browsed(row, tuple(found), by_cause(found), {(one.suite, one.case_id): one.said for one in said})


def rows_of(context: Context, row: Evaluation) -> list[Row]:
    return msgspec.convert(polls.raw_rows(context.services.blobs, row), list[Row])


def _primary(row: Evaluation) -> dict[str, str]:
    suites = row.report.get("suites") or {}
    return {name: str(told.get("primary")) for name, told in suites.items()}


def learn(
    context: Context, evaluation_id: str, suite: str, case_id: str, *, answer: str = "", prompt: str = ""
) -> Learned:
    """Keep a failure as a lesson: with the answer that should have been given (else the expected one), and, in
    `prompt`, the last message in other words (else as it was asked)."""
    context.caller.need(TRAINER, "make examples of failures")
    browsed = browse(context, evaluation_id)
    failure = next((f for f in browsed.failures if (f.row.suite, f.row.id) == (suite, case_id)), None)
    if failure is None:
        raise NotFound(
            f"Evaluation {evaluation_id} has no failure {case_id[:60]} in {suite[:60]}.",
            fix="Look at its failures again: each stands there as suite/case.",
            code="no_failure",
        )
    row = _example(failure.row, answer.strip(), prompt.strip())
    services = context.services
    dataset = services.datasets.get(browsed.evaluation.dataset_id)
    key = prompt_key(row)
    asked = any(key == _key(one) for one in rows_of(context, browsed.evaluation))
    lesson, new = services.lessons.add(
        key=key,
        lineage=services.datasets.lineage(dataset.id)[0].id,
        side=EVAL if asked else _side(context, dataset, row),
        cause=failure.cause,
        row=row,
        suite=suite,
        case_id=case_id,
        evaluation_id=evaluation_id,
        model_id=browsed.evaluation.model_id,
        created_by=context.caller.user,
    )
    if asked:  # nothing waits: in a version its row might be trained on, and the test has those of its own
        with services.db.write() as session:
            hold(session, [lesson.id], dataset.id)
        lesson = services.lessons.get(lesson.id)
    return Learned(lesson, new)


def _example(row: Row, answer: str, prompt: str) -> dict[str, Any]:
    for text in (answer, prompt):
        if len(text) > LONGEST:
            raise BadInput(f"That has {len(text):,} characters; an example takes {LONGEST:,}.", fix="Shorten it.")
    said = [{"role": message.role, "content": message.content} for message in row.messages]
    if prompt and said:
        said[-1] = said[-1] | {"content": prompt}
    if not (answer or row.expected):
        raise BadInput("This case has no expected answer.", fix="Say what it should have said.", code="no_answer")
    made = {"messages": [*said, exchange("", answer or row.expected)[-1]]}
    problems = list(errors(made))
    if problems:
        raise BadInput(problems[0].message, fix="Correct the example.", code=problems[0].code)
    return made


def _key(row: Row) -> str:
    said = [{"role": message.role, "content": message.content} for message in row.messages]
    return prompt_key({"messages": [*said, exchange("", "")[-1]]})


def _side(context: Context, dataset: Dataset, row: dict[str, Any]) -> str:
    """Where the hash of the prompt puts it, by the settings of the split that later versions inherit."""
    settings = as_before(context, dataset)
    share = settings.get("test", 0.2)
    return EVAL if place_of(prompt_key(row), settings.get("seed", 17)) < share * 2**64 else TRAIN


def waiting(context: Context, dataset: Dataset) -> list[Lesson]:
    """Lessons of this dataset and its versions that no version holds yet."""
    lineage = context.services.datasets.lineage(dataset.id)[0].id
    _catch_up(context, lineage)
    return context.services.lessons.waiting(lineage)


def dataset_of(context: Context, dataset: str | None) -> Dataset:
    """The one that is named, or this thread's, or else the one that this thread's model was trained on."""
    topic = context.services.threads.topic(context.caller.origin)
    if not dataset and not topic.dataset_id and topic.model_id:
        dataset = context.services.models.get(topic.model_id).dataset_id
    return pick_dataset(context, dataset)


def next_version(context: Context, dataset: Dataset) -> tuple[Built, list[Lesson]]:
    """The newest version with every lesson that waits, split as its parents were, so that each lesson's side is what
    the split says. Raises BadInput where none waits."""
    context.caller.need(TRAINER, "make a version of a dataset")
    owed = waiting(context, dataset)
    if not owed:
        raise BadInput("No lesson waits for a version.", fix="Look at failures and keep some.", code="no_lesson")
    newest = newest_version(context, dataset)
    change = {"kind": KIND, "lessons": [lesson.id for lesson in owed], "fixes": _fixes(owed)}
    rows = [lesson.row | {"metadata": {"lesson": lesson.id}} for lesson in owed]
    built = add_rows(context, newest.id, rows, source="lessons", change=change)
    split = ensure_split(context, built.dataset)
    _settle(context, built.dataset, split, owed)
    return built, [context.services.lessons.get(lesson.id) for lesson in owed]


def _fixes(lessons: Sequence[Lesson]) -> list[dict[str, Any]]:
    """What the version says that it mends: how many failures of which cause, of which models."""
    counted: dict[tuple[str, str], int] = {}
    for lesson in lessons:
        counted[lesson.cause, lesson.model_id] = counted.get((lesson.cause, lesson.model_id), 0) + 1
    return [{"cause": cause, "model": model, "count": count} for (cause, model), count in counted.items()]


def _settle(context: Context, version: Dataset, split: dict[str, Any], lessons: Sequence[Lesson]) -> None:
    """The lessons are held; a neighbour's place in the split may have moved one to the other side."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        sealed = prompt_keys(context.services.blobs.get_file(split["blobs"]["test"], Path(folder) / "test.jsonl"))
    with context.services.db.write() as session:
        for lesson in lessons:
            row = session.get(Lesson, lesson.id)
            if row is not None:
                row.side = EVAL if row.key in sealed else TRAIN
        hold(session, [lesson.id for lesson in lessons], version.id)


def _catch_up(context: Context, lineage: str) -> None:
    """A version that was made before a crash holds its lessons, too."""
    services = context.services
    for lesson in services.lessons.waiting(lineage):
        for version in _versions(context, lineage):
            if lesson.id in (version.change.get("lessons") or ()) and not version.deleted_at:
                _settle(context, version, ensure_split(context, version), [lesson])


def newest_version(context: Context, dataset: Dataset) -> Dataset:
    """The youngest version of the same upload that still has its rows."""
    root = context.services.datasets.lineage(dataset.id)[0].id
    alive = [row for row in _versions(context, root) if not row.deleted_at and row.accepted]
    return max(alive, key=lambda row: (row.version, row.created_at), default=dataset)


def _versions(context: Context, root: str) -> list[Dataset]:
    found, open_ = [context.services.datasets.get(root)], [root]
    while open_:
        made = context.services.datasets.children(open_.pop())
        found += made
        open_ += [row.id for row in made]
    return found
