"""One metric of one contestant as a figure with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from trainer.errors import BadInput, TunesmithError
from trainer.evals.case import Answer, Case
from trainer.evals.metrics import scored
from trainer.evals.metrics.metric import RANGES, Metric, Weighted
from trainer.evals.outcome import Figure
from trainer.evals.stats import Interval, bootstrap_mean, cluster_ids, clustered_mean, mean_interval, widest

SEED = 8
RESAMPLES = 1_000  # of a figure that is no mean, by how often each row counts
RECOUNTS = 200  # of one that can only be computed anew
DRAWN = 4_000_000  # rows drawn in all, for large sets; never fewer than RECOUNTS resamples


def figure(
    metric: Metric,
    cases: Sequence[Case],
    answers: Sequence[Answer],
    confidence: float = 0.95,
    groups: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
) -> Figure:
    """The figure over the cases that the metric applies to. `scores`, where they are known already, are of all the
    cases, and the metric applies to each. Rows of one group ("" for none) are drawn together."""
    kept = range(len(cases)) if scores is not None else [i for i, case in enumerate(cases) if metric.applies(case)]
    asked, said = [cases[i] for i in kept], [answers[i] for i in kept]
    shared = [groups[i] for i in kept] if groups else [case.group for case in asked]
    found = scores if scores is not None else [scored(metric, c, a) for c, a in zip(asked, said, strict=True)]
    low, high = RANGES[metric.unit]
    value = _mean(found, confidence, shared, metric.unit)
    of = _corpus(metric, asked, said)
    if of is not None:
        value = _pooled(
            of, resamples(metric, shared), value, "cluster-bootstrap" if cluster_ids(shared) else "bootstrap"
        )
    return Figure(len(asked), _within(value, low, high), metric.unit, metric.better)


def _mean(scores: Sequence[float], confidence: float, groups: Sequence[str], unit: str) -> Interval:
    """Shares by the rules for shares; of other units 0 and 1 are scores like any."""
    if unit == "share":
        return mean_interval(scores, confidence, groups, (0, 1))
    low, high = RANGES[unit]
    found = bootstrap_mean(scores, confidence, None if math.isinf(high) else (low, high))
    ids = cluster_ids(groups)
    return widest(found, clustered_mean(scores, ids, confidence), "cluster-robust") if len(set(ids)) > 1 else found


def _corpus(metric: Metric, cases: Sequence[Case], answers: Sequence[Answer]) -> Weighted | None:
    """The corpus figure by weights; None for a metric whose figure is the mean."""
    if not cases or (not hasattr(metric, "weighted") and pool(metric, cases, answers) is None):
        return None
    return weighted(metric, cases, answers)


def pool(metric: Metric, cases: Sequence[Case], answers: Sequence[Answer]) -> float | None:
    """The corpus figure, None for a metric without one. A metric that raises, or leaves its range, is named."""
    if not cases:
        return None
    fix = "Correct the metric or leave it out."
    try:
        found = metric.pool(cases, answers)
    except TunesmithError:
        raise
    except Exception as error:
        said = f"The metric {metric.name} failed over {len(cases)} rows ({type(error).__name__})."
        raise BadInput(said, fix=fix, code="metric_failed") from error
    low, high = RANGES[metric.unit]
    if found is not None and not low - 1e-9 <= found <= high + 1e-9:
        said = f"The metric {metric.name} gave {found} over {len(cases)} rows; that is out of its range."
        raise BadInput(said, fix=fix, code="metric_failed")
    return found


def weighted(metric: Metric, cases: Sequence[Case], answers: Sequence[Answer]) -> Weighted:
    """The corpus figure as a function of how often each row counts: an array of (rows,). Two contestants are compared
    in pairs by giving both the same weights."""
    ready: Callable[..., Weighted] | None = getattr(metric, "weighted", None)
    if ready is not None:
        return ready(cases, answers)

    def recount(weights: Any) -> float:
        rows = [i for i, times in enumerate(weights) for _ in range(int(times))]
        return cast(float, pool(metric, [cases[i] for i in rows], [answers[i] for i in rows]))

    return recount


def resamples(metric: Metric, groups: Sequence[str]) -> Iterator[Any]:
    """How often each row counts in each resample: arrays of (rows,), the same for the same groups. Rows that share a
    group are drawn together."""
    import numpy as np

    units = np.asarray(cluster_ids(groups) or range(len(groups)))
    count = int(units.max()) + 1
    wanted = RESAMPLES if hasattr(metric, "weighted") else RECOUNTS
    rng = np.random.default_rng(SEED)
    for _ in range(max(RECOUNTS, min(wanted, DRAWN // count))):
        drawn = np.bincount(rng.integers(0, count, count), minlength=count)
        yield drawn[units].astype(float)


def _pooled(of: Weighted, draws: Iterator[Any], rows: Interval, how: str) -> Interval:
    """The corpus figure with its percentile bootstrap. Where all rows score alike a bootstrap is blind; then the
    rows' own interval says how far it may be off."""
    import numpy as np

    value, confidence = of(np.ones(rows.n)), rows.confidence
    drawn = np.fromiter((of(weights) for weights in draws), float)
    low, high = (float(bound) for bound in np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]))
    if math.isclose(low, high):
        low, high = value - (rows.estimate - rows.low), value + (rows.high - rows.estimate)
    return Interval(value, min(low, value), max(high, value), rows.n, confidence, how)


def _within(value: Interval, low: float, high: float) -> Interval:
    """Cut to the range that the metric has; rounding may carry an estimate past its end."""
    cut = [min(max(each, low), high) for each in (value.estimate, value.low, value.high)]
    return Interval(cut[0], cut[1], cut[2], value.n, value.confidence, value.how)


@dataclass(frozen=True, slots=True)
class Summary:
    """Scores at a glance. Of no scores, all are 0."""

    n: int
    mean: float
    min: float
    median: float
    max: float


def summary(scores: Sequence[float]) -> Summary:
    from statistics import fmean, median

    if not scores:
        return Summary(0, 0.0, 0.0, 0.0, 0.0)
    return Summary(len(scores), fmean(scores), min(scores), float(median(scores)), max(scores))
