"""What the candidate kept of what others answer rightly, and how much of a suite it gets right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trainer.evals.case import BASE, CANDIDATE
from trainer.evals.compare.contests import gain_over
from trainer.evals.compare.measures import Measured, graded, paired, right, scored_by
from trainer.evals.gate import GateSpec, Level, Retention, SuiteRule
from trainer.evals.outcome import Regression, Row, SliceSummary
from trainer.evals.stats import Interval, clustered_share

OTHERS = "(none)"  # rows that a rule's slice key says nothing of


def kept(rows: Sequence[Row], metric: str, against: str, conf: float, left_out: int = 0) -> Regression:
    """Of the rows that `against` answers rightly, those that the candidate does."""
    both = paired(rows, metric, against, CANDIDATE)
    before, still = _still(both, metric, against)
    return Regression(len(rows), len(before), sum(still), _share(still, before, conf), left_out)


def _still(rows: Sequence[Row], metric: str, against: str) -> tuple[list[Row], list[bool]]:
    before = [row for row in rows if right(row, metric, against)]
    return before, [right(row, metric, CANDIDATE) for row in before]


def _share(hits: Sequence[bool], rows: Sequence[Row], conf: float) -> Interval:
    return clustered_share(hits, [row.group for row in rows], conf)


def retentions(
    spec: GateSpec, rule: SuiteRule, rows: Sequence[Row], measured: Measured, against: Sequence[str]
) -> list[Retention]:
    """One for each of the others, and for each value of the rule's slice key."""
    found: list[Retention] = []
    for value, some in _by(rule, rows).items():
        for other in against:
            both = paired(some, measured.name, other, CANDIDATE)
            before, still = _still(both, measured.name, other)
            lost = _share([not hit for hit in still], before, spec.confidence)
            gain = None
            if graded(rows, measured, (other, CANDIDATE)):
                gain = gain_over(other, some, measured, spec.confidence)
            found.append(Retention(rule, len(before), sum(still), lost, other, value, gain))
    return found


def levels(spec: GateSpec, rule: SuiteRule, rows: Sequence[Row], measured: Measured) -> list[Level]:
    """Only where the rule has a floor."""
    if rule.floor is None:
        return []
    found: list[Level] = []
    for value, some in _by(rule, rows).items():
        scored = scored_by(some, measured.name, CANDIDATE)
        hits = [right(row, measured.name, CANDIDATE) for row in scored]
        found.append(Level(rule, sum(hits), len(hits), _share(hits, scored, spec.confidence), value))
    return found


def _by(rule: SuiteRule, rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    if not rule.by:
        return {"": list(rows)}
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.slices.get(rule.by) or OTHERS, []).append(row)
    return dict(sorted(found.items()))


def slice_summaries(suites: Iterable[tuple[str, Sequence[Row], str]]) -> dict[str, SliceSummary]:
    """Of suites with their rows and primary metrics, by `suite/key=value`."""
    found: dict[str, SliceSummary] = {}
    for suite, rows, metric in suites:
        grouped: dict[str, list[Row]] = {}
        for row in paired(rows, metric, BASE, CANDIDATE):
            for key, value in row.slices.items():
                grouped.setdefault(f"{suite}/{key}={value}", []).append(row)
        found |= {name: _summary(some, metric) for name, some in sorted(grouped.items())}
    return found


def _summary(rows: Sequence[Row], metric: str) -> SliceSummary:
    before, still = _still(rows, metric, BASE)
    return SliceSummary(len(rows), len(before), sum(right(row, metric, CANDIDATE) for row in rows), sum(still))
