"""Shares and their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds, in the unit of what was measured. `how` names the method."""

    estimate: float
    low: float
    high: float
    n: int
    confidence: float
    how: str


@lru_cache(maxsize=65536)
def wilson(k: int, n: int, conf: float = 0.95) -> Interval:
    """Wilson's score interval of a share: k of n."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0, conf, "wilson")
    from statsmodels.stats.proportion import proportion_confint

    bounds: Any = proportion_confint(k, n, alpha=1 - conf, method="wilson")
    low, high = bounds
    return Interval(k / n, max(0.0, min(float(low), k / n)), min(1.0, max(float(high), k / n)), n, conf, "wilson")


@lru_cache(maxsize=4096)
def clopper_pearson(k: int, n: int, conf: float = 0.95) -> Interval:
    """The exact interval of a share. Wider than Wilson's; for promises about rare failures."""
    from scipy.stats import binomtest

    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0, conf, "clopper-pearson")
    bounds: Any = binomtest(k, n).proportion_ci(confidence_level=conf, method="exact")
    return Interval(k / n, float(bounds.low), float(bounds.high), n, conf, "clopper-pearson")


def most_failures(failures: int, n: int, conf: float = 0.95) -> float:
    """The largest share of failures that so few of n rule not out, one-sided and exact. Without any failure it is
    about 3 / n: the rule of three."""
    return clopper_pearson(failures, n, 2 * conf - 1).high


def widest(one: Interval, other: Interval, how: str) -> Interval:
    """As wide as both together, around the estimate of the first."""
    return Interval(one.estimate, min(one.low, other.low), max(one.high, other.high), one.n, one.confidence, how)
