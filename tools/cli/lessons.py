"""`tunesmith failures | lessons add | list | version`: from what went wrong to the next version of the data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tools import lesson_words
from tools import lessons as verbs
from tools.cli.data import tend
from tools.cli.output import Json, answers, finish, opened
from tools.datasets import pick_dataset
from trainer.errors import BadInput
from trainer.evals.case import CANDIDATE
from trainer.evals.failures import CAUSES, Failure
from trainer.store.tables import Lesson

DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's id (file-…).")]
EvaluationId = Annotated[str, typer.Argument(metavar="EVALUATION", help="An evaluation's id, or a model's.")]

lessons = typer.Typer(no_args_is_help=True, help="Examples made of failures.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    app.command("failures")(failures)
    lessons.command("add")(add)
    lessons.command("list")(every)
    lessons.command("version")(version)
    app.add_typer(lessons, name="lessons")


@answers
def failures(
    evaluation: EvaluationId,
    cause: Annotated[str | None, typer.Option(help=f"One of {', '.join(CAUSES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many are shown.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what a model got wrong, by cause, worst first."""
    if cause is not None and cause not in CAUSES:
        raise BadInput(f"“{cause[:40]}” is no cause.", fix=f"Known: {', '.join(CAUSES)}.", param="cause")
    with opened() as context:
        found = verbs.browse(context, evaluation)
    chosen = [one for one in found.failures if cause in (None, one.cause)]
    none = [f"None of them: {CAUSES[cause].lower()}."] if cause and found.failures and not chosen else []
    text = "\n\n".join([lesson_words.browsed(found), *none, *map(_told, chosen[:limit])])
    value = {
        "evaluation": found.evaluation.id,
        "causes": found.causes,
        "failures": [_shape(one) for one in chosen[:limit]],
        "count": len(chosen),
    }
    finish(value, text, as_json=as_json)


def _told(one: Failure) -> str:
    asked = one.row.messages[-1].content if one.row.messages else ""
    lost = " (the base has it right)" if one.lost else ""
    head = f"{one.row.suite}/{one.row.id}: {CAUSES[one.cause]}{f': {one.why}' if one.why else ''}{lost}"
    return f"{head}\n  asked     {asked[:300]}\n  expected  {one.row.expected[:300]}\n  said      {_said(one)[:300]}"


def _said(one: Failure) -> str:
    return one.row.answers[CANDIDATE].text


def _shape(one: Failure) -> dict[str, Any]:
    return {
        "suite": one.row.suite,
        "case": one.row.id,
        "cause": one.cause,
        "why": one.why,
        "score": one.score,
        "lost": one.lost,
        "messages": [{"role": m.role, "content": m.content} for m in one.row.messages],
        "expected": one.row.expected,
        "said": _said(one),
    }


@answers
def add(
    evaluation: EvaluationId,
    case: Annotated[str, typer.Argument(metavar="SUITE/CASE", help="As `failures` names it.")],
    answer: Annotated[str, typer.Option(help="What it should have said; the expected answer unless told.")] = "",
    prompt: Annotated[str, typer.Option(help="The question in other words, so that it may be trained on.")] = "",
    as_json: Json = False,
) -> None:
    """Make an example of a failure. Its prompt's hash decides for good whether it is trained on or evaluated with."""
    suite, _, case_id = case.partition("/")
    if not case_id:
        fix = "Write SUITE/CASE, as tunesmith failures names them."
        raise BadInput(f"“{case[:60]}” names no case of a suite.", fix=fix, param="case")
    with opened() as context:
        row = verbs.browse(context, evaluation).evaluation
        made = verbs.learn(context, row.id, suite, case_id, answer=answer, prompt=prompt)
    finish(_lesson(made.lesson), lesson_words.learned(made.lesson, new=made.new), as_json=as_json)


@answers
def every(dataset: DatasetId, as_json: Json = False) -> None:
    """List the lessons of a dataset and its versions."""
    with opened() as context:
        row = pick_dataset(context, dataset)
        waiting = verbs.waiting(context, row)
        kept = context.services.lessons.of(context.services.datasets.lineage(row.id)[0].id)
    lines = [f"{one.id}: {one.side}, {CAUSES.get(one.cause, one.cause)}, {one.dataset_id or 'waits'}" for one in kept]
    text = "\n".join([*lines, lesson_words.waiting(waiting)])
    finish({"lessons": [_lesson(one) for one in kept], "waiting": len(waiting)}, text, as_json=as_json)


@answers
def version(dataset: DatasetId, as_json: Json = False) -> None:
    """Make the next version of a dataset with every lesson that waits."""
    with opened() as context:
        built, kept = verbs.next_version(context, pick_dataset(context, dataset))
    value = {"dataset": tend.shape(built.dataset), "lessons": [_lesson(one) for one in kept]}
    finish(value, lesson_words.made(built.dataset, kept), as_json=as_json)


def _lesson(row: Lesson) -> dict[str, Any]:
    return {
        "object": "tunesmith.lesson",
        "id": row.id,
        "side": row.side,
        "cause": row.cause,
        "suite": row.suite,
        "case": row.case_id,
        "evaluation": row.evaluation_id,
        "model": row.model_id,
        "dataset": row.dataset_id,
        "messages": row.row["messages"],
    }
