"""What the metrics of a suite measure, and everybody's scores by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.evals.case import Check, Role, Suite
from trainer.evals.gate import GateSpec
from trainer.evals.metrics import Metric, named
from trainer.evals.metrics.metric import RANGES
from trainer.evals.outcome import Row
from trainer.evals.stats import Difference, difference


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric on the rows of one suite. `metric` is None where it cannot be made here any more (a custom one whose
    file is gone): its scores are then taken as shares."""

    name: str
    unit: str
    better: str
    metric: Metric | None

    @property
    def bounds(self) -> tuple[float, float] | None:
        low, high = RANGES.get(self.unit, (0.0, math.inf))
        return (low, high) if math.isfinite(high) else None

    def difference(self, rows: Sequence[Row], reference: str, candidate: str, conf: float) -> Difference:
        """Over the rows that both have a score for; positive is for the candidate."""
        both = paired(rows, self.name, reference, candidate)
        return difference(
            [row.scores[reference][self.name] for row in both],
            [row.scores[candidate][self.name] for row in both],
            conf=conf,
            better=self.better,
            groups=[row.group for row in both],
            bounds=self.bounds,
            shares=self.unit == "share",
        )


def primary_of(suite: Suite, spec: GateSpec) -> Check:
    """The test set is judged by the gate's metric, any other suite by its own."""
    if suite.role is Role.TEST:
        return Check(spec.primary, spec.arguments)
    return next((check for check in suite.metrics if check.metric == suite.primary), Check(suite.primary))


def measures(suite: Suite, spec: GateSpec, rows: Sequence[Row]) -> dict[str, Measured]:
    """By name, the primary one first, then the gate's and the suite's, then whatever else was scored."""
    ours = [Check(name) for name in spec.metrics] if suite.role is Role.TEST else []
    checks = {check.metric: check for check in reversed((primary_of(suite, spec), *suite.metrics, *ours))}
    order = [check.metric for check in (primary_of(suite, spec), *ours, *suite.metrics)]
    given = dict.fromkeys(name for row in rows for scores in row.scores.values() for name in scores)
    return {
        name: _measured(checks.get(name, Check(name)), suite.folder)
        for name in dict.fromkeys((*order, *given))
        if name in given
    }


def _measured(check: Check, folder: Path | None) -> Measured:
    from trainer.errors import BadInput

    try:
        metric = named(check.metric, check.arguments, folder)
    except BadInput:
        return Measured(check.metric, "share", "higher", None)
    return Measured(check.metric, metric.unit, metric.better, metric)


def scored_by(rows: Sequence[Row], metric: str, who: str) -> list[Row]:
    return [row for row in rows if metric in row.scores.get(who, {})]


def paired(rows: Sequence[Row], metric: str, one: str, other: str) -> list[Row]:
    return [row for row in scored_by(rows, metric, one) if metric in row.scores.get(other, {})]


def half_scored(rows: Sequence[Row], metric: str, keys: Sequence[str]) -> list[Row]:
    """Rows for which some of these have a score, and others none."""
    return [row for row in rows if 0 < sum(metric in row.scores.get(key, {}) for key in keys) < len(keys)]


def mean(rows: Sequence[Row], metric: str, who: str) -> float:
    return math.fsum(row.scores[who][metric] for row in rows) / len(rows) if rows else 0.0


def right(row: Row, metric: str, who: str) -> bool:
    return row.scores.get(who, {}).get(metric, 0.0) >= 1


def graded(rows: Sequence[Row], measured: Measured, keys: Sequence[str]) -> bool:
    """Whether scores say more than right or wrong."""
    if measured.unit != "share" or measured.better == "lower":
        return True
    return any(
        row.scores[key][measured.name] not in (0, 1) for key in keys for row in scored_by(rows, measured.name, key)
    )
