"""The figures of one suite: everybody's, by metric, and the candidate beside its base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trainer.evals.case import BASE, CANDIDATE, Case, Contestant, Suite
from trainer.evals.compare.measures import Measured, scored_by
from trainer.evals.gate import Gain
from trainer.evals.metrics.figures import figure
from trainer.evals.outcome import Figure, MetricSummary, Row
from trainer.evals.stats import Interval, mean_interval

Figures = dict[str, dict[str, Figure]]


def figures(
    suite: Suite, rows: Sequence[Row], found: Mapping[str, Measured], contestants: Sequence[Contestant], conf: float
) -> Figures:
    """By metric, then contestant, over the rows that it has a score for."""
    cases = {case.id: case for case in suite.cases}
    told: Figures = {}
    for name, measured in found.items():
        of = {who.key: scored_by(rows, name, who.key) for who in contestants}
        told[name] = {key: _figure(measured, scored, key, cases, conf) for key, scored in of.items() if scored}
    return told


def _figure(measured: Measured, rows: Sequence[Row], who: str, cases: Mapping[str, Case], conf: float) -> Figure:
    groups = [row.group for row in rows]
    scores = [row.scores[who][measured.name] for row in rows]
    if measured.metric is not None and all(row.id in cases and who in row.answers for row in rows):
        asked, said = [cases[row.id] for row in rows], [row.answers[who] for row in rows]
        return figure(measured.metric, asked, said, conf, groups, scores)
    value = mean_interval(scores, conf, groups, measured.bounds)
    return Figure(len(rows), value, measured.unit, measured.better)


def summaries(told: Figures, gains: Iterable[tuple[str, Gain]]) -> dict[str, MetricSummary]:
    """Of the test set, by metric, from the gains over the base. The difference is tuned less base, in the metric's
    unit, whichever way it runs."""
    return {
        name: MetricSummary(
            n=gain.difference.n,
            base=told[name][BASE].value,
            tuned=told[name][CANDIDATE].value,
            difference=as_measured(gain.difference.interval, gain.better),
            p=gain.difference.p,
            base_mean=gain.before,
            tuned_mean=gain.after,
            unit=gain.unit,
            better=gain.better,
        )
        for name, gain in gains
    }


def as_measured(gain: Interval, better: str) -> Interval:
    """Candidate less the other one: a gain of a metric of which less is better is a negative difference."""
    if better != "lower":
        return gain
    return Interval(0.0 - gain.estimate, -gain.high, -gain.low, gain.n, gain.confidence, gain.how)
