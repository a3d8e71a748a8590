"""Scores that are more than right or wrong: the mean, by bootstrap, and whether differences are chance, by turning
their signs at random. The same scores give the same figures every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer.evals.stats.clusters import cluster_ids, clustered_mean, clustered_share
from trainer.evals.stats.intervals import Interval, clopper_pearson, widest, wilson

SEED = 8
RESAMPLES, FLIPS = 2_000, 4_999
MANY = 200  # differences
AT_ONCE = 1_000_000  # drawn numbers in memory
FEW = 10  # values that differ from the rest; with fewer, resampling sees too little


def mean_interval(
    values: Sequence[float],
    conf: float = 0.95,
    groups: Sequence[str] = (),
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """The mean of scores: a share where all are 0 or 1 (Wilson), else by bootstrap; wider where rows share groups.
    `bounds` are the least and the most that a score can be, where there are such."""
    ids = cluster_ids(groups)
    if all(value in (0, 1) for value in values):
        hits = [value == 1 for value in values]
        return clustered_share(hits, groups, conf) if ids else wilson(sum(hits), len(hits), conf)
    found = bootstrap_mean(values, conf, bounds)
    if not ids or len(set(ids)) < 2:
        return found
    return widest(found, _within(clustered_mean(values, ids, conf), bounds), "cluster-robust")


def bootstrap_mean(values: Sequence[float], conf: float = 0.95, bounds: tuple[float, float] | None = None) -> Interval:
    """The mean by percentile bootstrap. Where hardly any value differs from the others a bootstrap is blind; the
    interval then leaves room for as many others as may have gone unseen."""
    import numpy as np
    from scipy.stats import bootstrap

    scores, n = np.asarray(values, float), len(values)
    if n == 0:
        low, high = bounds or (0.0, 0.0)
        return Interval(0.0, low, high, 0, conf, "bootstrap")
    mean = float(scores.mean())
    low = high = mean
    if n > 1 and float(np.ptp(scores)) > 0:
        drawn: Any = bootstrap(
            (scores,),
            np.mean,
            n_resamples=RESAMPLES,
            batch=max(1, AT_ONCE // n),
            confidence_level=conf,
            method="percentile",
            rng=np.random.default_rng(SEED),
        )
        low, high = float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)
    found = Interval(mean, min(low, mean), max(high, mean), n, conf, "bootstrap")
    usual = float(np.median(scores))
    if int((scores != usual).sum()) >= FEW:
        return found
    return widest(found, _within(_unseen(scores, mean, n, conf, bounds), bounds), "bootstrap")


def _unseen(scores: Any, mean: float, n: int, conf: float, bounds: tuple[float, float] | None) -> Interval:
    """What the mean may be when the share of rows that no sample of n must hold are as far off as scores go."""
    unseen = clopper_pearson(0, n, conf).high
    least, most = bounds or (float(scores.min()) - abs(mean), float(scores.max()) + abs(mean))
    return Interval(mean, mean - unseen * (mean - least), mean + unseen * (most - mean), n, conf, "unseen")


def _within(interval: Interval, bounds: tuple[float, float] | None) -> Interval:
    if bounds is None:
        return interval
    low, high = max(interval.low, bounds[0]), min(interval.high, bounds[1])
    return Interval(interval.estimate, low, high, interval.n, interval.confidence, interval.how)


def flipped_signs(differences: Sequence[float]) -> float:
    """How likely a mean at least as far from 0 is when each difference could as well have had the other sign; exact
    for up to 12 that are not 0, else from 4,999 random turns, and above 200 by the paired t test, which by then says
    the same. Two-sided."""
    import numpy as np
    from scipy.stats import permutation_test, ttest_1samp

    unequal = np.asarray([d for d in differences if d], float)
    if len(unequal) < 2:
        return 1.0
    if len(unequal) > MANY:
        tested: Any = ttest_1samp(np.asarray(differences, float), 0.0)
        return min(1.0, float(tested.pvalue))
    drawn: Any = permutation_test(
        (unequal,),
        np.mean,
        permutation_type="samples",
        n_resamples=FLIPS,
        batch=max(1, AT_ONCE // len(unequal)),
        vectorized=True,
        rng=np.random.default_rng(SEED),
    )
    return min(1.0, float(drawn.pvalue))
