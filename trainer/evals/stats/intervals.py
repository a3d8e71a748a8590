"""Shares and their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds, all shares between -1 and 1. `how` names the method."""

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
