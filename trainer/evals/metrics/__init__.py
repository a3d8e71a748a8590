"""The metrics: one file and one line each. Scores are between 0 and 1; 1 is right."""

from __future__ import annotations

import math
from pkgutil import resolve_name
from typing import Protocol

from trainer.errors import BadInput

METRICS: dict[str, str] = {
    "exact_match": "trainer.evals.metrics.exact_match:ExactMatch",
    "json_validity": "trainer.evals.metrics.json_validity:JsonValidity",
}


class Metric(Protocol):
    """How good one answer is."""

    name: str

    def score(self, expected: str, answer: str) -> float:
        """Between 0 and 1; 1 is right."""
        ...

    def applies(self, expected: str) -> bool:
        """Whether this metric has something to say where `expected` is the right answer."""
        ...


def load_metric(name: str) -> Metric:
    """The metric by its name."""
    target = METRICS.get(name)
    if target is None:
        known = ", ".join(METRICS)
        raise BadInput(f"There is no metric {name!r}.", fix=f"Known: {known}.", param="metric")
    return resolve_name(target)()


def scored(metric: Metric, expected: str, answer: str, case: str) -> float:
    """The score; a metric that raises or leaves the range is named, never scored in silence."""
    try:
        score = float(metric.score(expected, answer))
    except Exception as error:
        said = f"The metric {metric.name} failed on case {case} ({type(error).__name__})."
        raise BadInput(said, fix="Correct the metric or leave it out.", code="metric_failed") from error
    if math.isnan(score) or not 0 <= score <= 1:
        said = f"The metric {metric.name} gave {score} on case {case}; scores are between 0 and 1."
        raise BadInput(said, fix="Correct the metric or leave it out.", code="metric_failed")
    return score
