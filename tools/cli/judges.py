"""`tunesmith judge rubrics | show | calibrate`: language models that judge answers, and people's check on them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import typer

from tools import judges
from tools.cli.output import FINDINGS, GOOD, Json, answers, finish, opened
from trainer.evals.judges import Ruling, rubrics
from trainer.evals.report import sentences

EvaluationArg = Annotated[str, typer.Argument(metavar="EVALUATION", help="An evaluation's id, a model or an alias.")]
SHOWN = 20  # rulings, unless told

judge = typer.Typer(no_args_is_help=True, help="Language models as judges.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    judge.command("rubrics")(rubrics_)
    judge.command("show")(show)
    judge.command("calibrate")(calibrate)
    app.add_typer(judge, name="judge")


@answers
def rubrics_(as_json: Json = False) -> None:
    """List what judges go by: ours, and your own from TUNESMITH_HOME/rubrics."""
    with opened() as context:
        known = rubrics(context.services.settings)
    texts = [f"{name}: {rubric.title}\n{rubric.in_words()}" for name, rubric in known.items()]
    finish({name: one.model_dump() for name, one in known.items()}, "\n\n".join(texts), as_json=as_json)


@answers
def show(
    evaluation: EvaluationArg,
    rows: Annotated[int, typer.Option(min=0, help="How many rulings to tell.")] = SHOWN,
    as_json: Json = False,
) -> None:
    """Tell what the judges of an evaluation said, with their reasons. Nothing is asked again."""
    with opened() as context:
        row, whole, found = judges.opinions(context, evaluation)
    said = [[*sentences.judge(whole, one.report), *map(_told, one.rulings[:rows])] for one in found]
    value = {
        "evaluation": row.id,
        "judges": [
            {"report": msgspec.to_builtins(one.report), "rulings": [_shape(ruling) for ruling in one.rulings]}
            for one in found
        ],
    }
    finish(value, "\n".join(line for lines in said for line in lines), as_json=as_json)


@answers
def calibrate(
    evaluation: EvaluationArg,
    model: Annotated[str | None, typer.Option(help="The judge; without it, the gate's or the configured one.")] = None,
    kind: Annotated[
        Literal["pairwise", "rubric"] | None, typer.Option(help="Compare two answers, or score each from 0 to 10.")
    ] = None,
    rubric: Annotated[str | None, typer.Option(help="By name; see tunesmith judge rubrics.")] = None,
    against: Annotated[str, typer.Option(help="Whose answers stand beside the candidate's.")] = "base",
    rows: Annotated[int | None, typer.Option(help="How many are judged beside those that people labelled.")] = None,
    max_usd: Annotated[float | None, typer.Option(help="What it may cost at most.")] = None,
    as_json: Json = False,
) -> None:
    """Ask a judge about an evaluation's answers and hold it against people's votes. Exit 1 while it only advises."""
    with opened() as context:
        asked: dict[str, Any] = {"kind": kind, "rubric": rubric, "rows": rows, "max_usd": max_usd}
        whole, report = judges.calibrate(context, evaluation, model=model, against=against, **asked)
    text = "\n".join(sentences.judge(whole, report))
    finish(msgspec.to_builtins(report), text, as_json=as_json, code=FINDINGS if report.advisory else GOOD)


def _told(ruling: Ruling) -> str:
    reason = ruling.reasons[0].replace("\n", " ") if ruling.reasons else ""
    return f"{ruling.pair.suite} {ruling.pair.id}: {ruling.choice}. {reason}"


def _shape(ruling: Ruling) -> dict[str, Any]:
    return {
        "suite": ruling.pair.suite,
        "id": ruling.pair.id,
        "choice": ruling.choice,
        "shown": list(ruling.shown),
        "scores": ruling.scores,
        "reasons": list(ruling.reasons),
    }
