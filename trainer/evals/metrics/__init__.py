"""The metrics: one file and one line each. Custom ones come by an entry point, or by a file that a suite names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pydantic import BaseModel, ValidationError

from trainer.errors import BadInput, TunesmithError
from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import RANGES, Measure, Metric

__all__ = ["METRICS", "Measure", "Metric", "build", "load_metric", "named", "scored"]

METRICS: dict[str, str] = {
    "exact_match": "trainer.evals.metrics.exact_match:ExactMatch",
    "accuracy": "trainer.evals.metrics.accuracy:Accuracy",
    "f1_macro": "trainer.evals.metrics.f1:F1Macro",
    "f1_micro": "trainer.evals.metrics.f1:F1Micro",
    "token_f1": "trainer.evals.metrics.token_f1:TokenF1",
    "checks": "trainer.evals.metrics.checks:Checks",
    "contains": "trainer.evals.metrics.contains:Contains",
    "regex": "trainer.evals.metrics.regex:Regex",
    "json_validity": "trainer.evals.metrics.json_validity:JsonValidity",
    "json_schema": "trainer.evals.metrics.json_schema:JsonSchema",
    "json_fields": "trainer.evals.metrics.json_fields:JsonFields",
    "sql_validity": "trainer.evals.metrics.sql_validity:SqlValidity",
    "bleu": "trainer.evals.metrics.bleu:Bleu",
    "chrf": "trainer.evals.metrics.bleu:Chrf",
    "rouge": "trainer.evals.metrics.rouge:Rouge",
    "length_ratio": "trainer.evals.metrics.length_ratio:LengthRatio",
    "word_overlap": "trainer.evals.metrics.word_overlap:WordOverlap",
    "perplexity": "trainer.evals.metrics.perplexity:Perplexity",
    "val_loss": "trainer.evals.metrics.perplexity:ValLoss",
    "latency": "trainer.evals.metrics.cost:Latency",
    "tokens_out": "trainer.evals.metrics.cost:TokensOut",
    "refusal": "trainer.evals.metrics.refusal:Refusal",
}
SLACK = 1e-9  # by which rounding may carry a score past the end of its range


def load_metric(name: str, /, *, allow_files: Path | None = None, **arguments: Any) -> Metric:
    """The metric by its name: one of METRICS, one that an installed package brings, or, where `allow_files` names a
    folder, `file:metric.py:Name` in it. Raises BadInput (code bad_metric) for an unknown name or bad arguments."""
    if allow_files is not None and not isinstance(allow_files, Path):  # from a file or a message: an argument like any
        return named(name, arguments | {"allow_files": allow_files})
    return named(name, arguments, allow_files)


def named(name: str, arguments: Mapping[str, Any], allow_files: Path | None = None) -> Metric:
    """As load_metric, for arguments that were read from somewhere."""
    target = METRICS.get(name)
    if target is None:
        from trainer.evals.metrics.custom import custom

        return custom(name, arguments, allow_files)
    return build(resolve_name(target), name, arguments, allow_files)


def build(cls: type[BaseModel], name: str, arguments: Mapping[str, Any], allow_files: Path | None = None) -> Any:
    """A metric from its arguments; what is wrong with them is said in words."""
    try:
        return cls.model_validate(dict(arguments), context={"allow_files": allow_files})
    except ValidationError as error:
        known = ", ".join(field.alias or key for key, field in cls.model_fields.items())
        fix = f"Its arguments are: {known}." if known else "It takes no arguments."
        raise BadInput(_said(name, error), fix=fix, code="bad_metric", param="metric") from None


def _said(name: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    argument = ".".join(map(str, first["loc"])) or "arguments"
    if first["type"] == "extra_forbidden":
        return f"The metric {name} has no argument {argument[:100]!r}."
    if first["type"] == "missing":
        return f"The metric {name} needs the argument {argument!r}."
    given = repr(first["input"])[:60]
    return f"The metric {name} cannot use {argument} = {given}: {first['msg'].removeprefix('Value error, ')}."


def scored(metric: Metric, case: Case, answer: Answer) -> float:
    """The score. A metric that raises, or leaves its range, is named with the case, never scored in silence."""
    fix = "Correct the metric or leave it out."
    try:
        score = float(metric.score(case, answer))
    except TunesmithError as error:
        said = f"The metric {metric.name} cannot score case {case.id}: {error.what}"
        raise BadInput(said, fix=error.fix or fix, code="metric_failed") from error
    except Exception as error:
        said = f"The metric {metric.name} failed on case {case.id} ({type(error).__name__})."
        raise BadInput(said, fix=fix, code="metric_failed") from error
    low, high = RANGES[metric.unit]
    if not math.isfinite(score) or not low - SLACK <= score <= high + SLACK:
        said = f"The metric {metric.name} gave {score} on case {case.id}; its scores are {_between(low, high)}."
        raise BadInput(said, fix=fix, code="metric_failed")
    return min(max(score, low), high)


def _between(low: float, high: float) -> str:
    return f"{low:g} or more" if math.isinf(high) else f"between {low:g} and {high:g}"
