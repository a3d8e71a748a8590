"""Scores of single answers: mean, least and greatest of everybody, and what the candidate gained on average."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainer.evals.case import BASE, CANDIDATE
from trainer.evals.outcome import EvalReport
from trainer.evals.report import table


@dataclass(frozen=True, slots=True)
class Spread:
    suite: str
    metric: str
    unit: str
    n: int
    sides: dict[str, tuple[float, float, float]]  # mean, least, greatest by contestant
    improvement: float | None  # the candidate's mean less the base's; less than 0 is better where less is
    better: str


def spread(report: EvalReport) -> list[Spread]:
    """For each line of the report whose answers are at hand."""
    gathered: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in report.rows:
        for key, scores in row.scores.items():
            for metric, score in scores.items():
                if math.isfinite(score):
                    gathered.setdefault((row.suite, metric), {}).setdefault(key, []).append(score)
    return [_spread(line, gathered[line.suite, line.metric]) for line in table.lines(report) if _has(line, gathered)]


def _has(line: table.Line, gathered: dict[tuple[str, str], dict[str, list[float]]]) -> bool:
    return (line.suite, line.metric) in gathered


def _spread(line: table.Line, by: dict[str, list[float]]) -> Spread:
    sides = {key: (math.fsum(found) / len(found), min(found), max(found)) for key, found in by.items()}
    both = CANDIDATE in sides and BASE in sides
    gain = sides[CANDIDATE][0] - sides[BASE][0] if both else None
    return Spread(line.suite, line.metric, line.unit, max(map(len, by.values())), sides, gain, line.better)
