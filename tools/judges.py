"""Judges of an evaluation: what they said and why, and how far people agree with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tools.context import TRAINER, Context
from tools.polls import pick_evaluation
from trainer.errors import BadInput, NotFound
from trainer.evals.case import BASE
from trainer.evals.gate.spec import GateSpec, JudgeRule
from trainer.evals.judges import Ruling, judge, prompt_digest, recall
from trainer.evals.outcome import EvalReport, JudgeReport
from trainer.evals.report import kept
from trainer.store.tables import Evaluation


@dataclass(frozen=True, slots=True)
class Opinion:
    """One judge's report, and its rulings with their reasons where they are still kept."""

    report: JudgeReport
    rulings: tuple[Ruling, ...]


def opinions(context: Context, which: str | None) -> tuple[Evaluation, EvalReport, list[Opinion]]:
    """What every judge of an evaluation said; nothing is asked again."""
    row = pick_evaluation(context, which)
    whole = kept.whole(row, context.services.blobs)
    if not whole.judges:
        raise NotFound(
            f"No judge took part in {row.id}.",
            fix=f"Ask one now: tunesmith judge calibrate {row.id}.",
            code="no_judge",
        )
    return row, whole, [Opinion(one, _rulings(context, whole, one)) for one in whole.judges]


def _rulings(context: Context, whole: EvalReport, one: JudgeReport) -> tuple[Ruling, ...]:
    """None where words or rubric have changed since: those judgements are of another judge."""
    services = context.services
    rule = JudgeRule.model_validate({"model": one.model, "kind": one.kind, "rubric": one.rubric})
    try:
        if prompt_digest(rule, services.settings) != one.prompt_sha256:
            return ()
        return recall(rule, rows=whole.rows, against=one.against, settings=services.settings, db=services.db)
    except (BadInput, NotFound):
        return ()


def calibrate(
    context: Context,
    which: str | None,
    *,
    model: str | None = None,
    kind: str | None = None,
    rubric: str | None = None,
    against: str = BASE,
    rows: int | None = None,
    max_usd: float | None = None,
) -> tuple[EvalReport, JudgeReport]:
    """Have a judge compare an evaluation's answers, and hold it against the votes on them. Without other words it is
    the judge of the evaluation's gate; what it said before costs nothing. The evaluation itself stays as it is."""
    context.caller.need(TRAINER, "ask a judge")
    services = context.services
    row = pick_evaluation(context, which)
    whole = kept.whole(row, services.blobs)
    registered = GateSpec.model_validate(whole.gate).judge if whole.gate.get("judge") else None
    usual = registered or JudgeRule(model=services.settings.judge_model or services.settings.llm_model)
    asked = {"model": model, "kind": kind, "rubric": rubric, "rows": rows, "max_usd": max_usd}
    changed = {name: value for name, value in asked.items() if value is not None}
    if {"kind", "rubric"} & set(changed):
        changed["prompt_sha256"] = ""  # other words than the gate's
    if model is not None and model != usual.model:
        changed["endpoint"] = ""  # another judge than the gate's: it answers where the settings say
    report = judge(
        _rule(usual.model_dump() | changed),
        rows=whole.rows,
        against=against,
        contestants=whole.contestants,
        settings=services.settings,
        db=services.db,
        labels=services.polls.labels(row.id, against),
    )
    return whole, report


def _rule(values: dict[str, Any]) -> JudgeRule:
    try:
        return JudgeRule.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        raise BadInput(f"{name} of the judge does not fit: {first['msg']}.", fix="Correct it.", param=name) from None
