"""The candidate against each of the others: on every suite, and on every slice of the test set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from trainer.evals.case import CANDIDATE
from trainer.evals.compare.figures import as_measured
from trainer.evals.compare.measures import Measured, mean, paired
from trainer.evals.gate import Gain, GateSpec
from trainer.evals.gate.gain import more_rows
from trainer.evals.outcome import Comparison, Row
from trainer.evals.stats import holm

LEAST = 6  # rows of a slice: with fewer even losing all of them could be chance
MOST = 50  # values of one slice key that are compared, the largest


def gain_over(against: str, rows: Sequence[Row], measured: Measured, conf: float, slice_name: str = "") -> Gain | None:
    """None where no row has a score of both."""
    both = paired(rows, measured.name, against, CANDIDATE)
    if not both:
        return None
    return Gain(
        difference=measured.difference(both, against, CANDIDATE, conf),
        before=mean(both, measured.name, against),
        after=mean(both, measured.name, CANDIDATE),
        against=against,
        unit=measured.unit,
        better=measured.better,
        slice=slice_name,
    )


def parts(rows: Sequence[Row], keys: Iterable[str]) -> dict[str, list[Row]]:
    """The rows by slice, `task=copy`: the largest values of each key, without those of hardly any row."""
    found: dict[str, list[Row]] = {}
    for key in keys:
        values: dict[str, list[Row]] = {}
        for row in rows:
            if row.slices.get(key):
                values.setdefault(row.slices[key], []).append(row)
        largest = sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST]
        found |= {f"{key}={value}": some for value, some in sorted(largest) if len(some) >= LEAST}
    return found


def slice_gains(spec: GateSpec, rows: Sequence[Row], measured: Measured, against: Sequence[str]) -> tuple[Gain, ...]:
    """The primary metric by slice, p corrected by Holm over the slices against one other."""
    split = parts(rows, spec.slices)
    gains: list[Gain] = []
    for other in against:
        found = [gain_over(other, some, measured, spec.confidence, name) for name, some in split.items()]
        told = [gain for gain in found if gain]
        corrected = holm([gain.difference.p for gain in told])
        gains += [replace(gain, p_holm=p) for gain, p in zip(told, corrected, strict=True)]
    return tuple(gains)


def comparison(spec: GateSpec, suite: str, metric: str, gain: Gain) -> Comparison:
    found = gain.difference
    return Comparison(
        suite=suite,
        metric=metric,
        against=gain.against,
        n=found.n,
        wins=found.wins,
        losses=found.losses,
        ties=found.ties,
        difference=as_measured(found.interval, gain.better),
        p=found.p,
        how=found.how,
        slice=gain.slice,
        p_holm=gain.p_holm if gain.slice else None,
        detectable=found.detectable(spec.alpha) or None,
        more_rows=None if found.p < spec.alpha else more_rows(spec, gain),
    )


def corrected(comparisons: Sequence[Comparison], primaries: dict[str, str]) -> tuple[Comparison, ...]:
    """Each with p corrected over the suites, by their primary metrics, against the same other one."""
    told = list(comparisons)
    for other in dict.fromkeys(one.against for one in told):
        family = [
            index
            for index, one in enumerate(told)
            if one.against == other and not one.slice and primaries.get(one.suite) == one.metric
        ]
        for index, p in zip(family, holm([told[i].p for i in family]), strict=True):
            told[index] = replace(told[index], p_holm=p)
    return tuple(told)
