"""The statistics of paired comparisons. scipy and statsmodels load at first use.

Outcomes are paired: both models answered the same rows. `b` counts rows that only the base answered rightly
(losses), `c` rows that only the tuned model did (gains).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

DISCORDANCE = 0.125  # share of rows on which two models usually differ; matches power tables we measured
ROWS_TRIED = 100_000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds, all shares between -1 and 1. `how` names the method."""

    estimate: float
    low: float
    high: float
    n: int
    confidence: float
    how: str


@dataclass(frozen=True, slots=True)
class Paired:
    """How often both, one or none of two models were right on the same `n` rows."""

    n: int
    both: int
    base_only: int
    tuned_only: int

    @classmethod
    def of(cls, base: Sequence[bool], tuned: Sequence[bool]) -> Paired:
        if len(base) != len(tuned):
            raise ValueError(f"{len(base)} and {len(tuned)} outcomes are not paired")
        pairs = list(zip(base, tuned, strict=True))
        both, lost = sum(b and t for b, t in pairs), sum(b and not t for b, t in pairs)
        return cls(len(pairs), both, lost, sum(t and not b for b, t in pairs))

    @property
    def base_right(self) -> int:
        return self.both + self.base_only

    @property
    def tuned_right(self) -> int:
        return self.both + self.tuned_only

    @property
    def discordance(self) -> float:
        """The share of rows on which they differ, pulled a little from 0 as few rows deserve."""
        return (self.base_only + self.tuned_only + 1) / (self.n + 2)


@lru_cache(maxsize=65536)
def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact McNemar: how likely a split at least as uneven is when neither model is better."""
    if b + c == 0:
        return 1.0
    from statsmodels.stats.contingency_tables import mcnemar

    outcome: Any = mcnemar([[0, b], [c, 0]], exact=True)
    return min(1.0, float(outcome.pvalue))


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


def paired_difference(base: Sequence[bool], tuned: Sequence[bool], conf: float = 0.95) -> Interval:
    """The tuned share minus the base share, by Newcombe's hybrid score interval for paired shares."""
    return paired_interval(Paired.of(base, tuned), conf)


@lru_cache(maxsize=65536)
def paired_interval(pairs: Paired, conf: float = 0.95) -> Interval:
    """Newcombe 1998, method 10: Wilson bounds of both shares, joined with their correlation. Unlike the
    textbook interval it stays open where the models never differ: 0 of 45 against 0 of 45 proves little."""
    n = pairs.n
    if n == 0:
        return Interval(0.0, -1.0, 1.0, 0, conf, "newcombe-paired")
    tuned, base = wilson(pairs.tuned_right, n, conf), wilson(pairs.base_right, n, conf)
    d, phi = tuned.estimate - base.estimate, _correlation(pairs)
    down_t, up_t = tuned.estimate - tuned.low, tuned.high - tuned.estimate
    down_b, up_b = base.estimate - base.low, base.high - base.estimate
    low = d - math.sqrt(max(0.0, down_t**2 - 2 * phi * down_t * up_b + up_b**2))
    high = d + math.sqrt(max(0.0, up_t**2 - 2 * phi * up_t * down_b + down_b**2))
    return Interval(d, max(-1.0, low), min(1.0, high), n, conf, "newcombe-paired")


def _correlation(pairs: Paired) -> float:
    """Of the two outcomes, with Newcombe's correction for continuity where it is positive."""
    neither = pairs.n - pairs.both - pairs.base_only - pairs.tuned_only
    margins = pairs.tuned_right * (pairs.n - pairs.tuned_right) * pairs.base_right * (pairs.n - pairs.base_right)
    if not margins:
        return 0.0
    cross = pairs.both * neither - pairs.base_only * pairs.tuned_only
    if cross > 0:
        cross = max(cross - pairs.n / 2, 0)
    return cross / math.sqrt(margins)


@lru_cache(maxsize=4096)
def power(n: int, effect: float, discordance: float = DISCORDANCE, alpha: float = 0.05, least: float = 0.0) -> float:
    """How often exact McNemar on n rows sees a true gain of `effect` with p < alpha and a gain of at least
    `least` in the sample. Computed exactly, over every number of rows on which the models may differ."""
    import numpy as np
    from scipy.stats import binom

    differ = min(1.0, max(discordance, effect))
    win = min(1.0, (differ + effect) / (2 * differ))
    spread = 8 * math.sqrt(n * differ * (1 - differ)) + 8
    counts = np.arange(max(1, int(n * differ - spread)), min(n, int(n * differ + spread)) + 1)
    losses = binom.ppf(alpha / 2, counts, 0.5)  # the most losses that may still be significant …
    losses = losses - (2 * binom.cdf(losses, counts, 0.5) >= alpha)
    losses = np.minimum(losses, np.floor((counts - least * n) / 2 + 1e-9))  # … and leave the gain asked for
    return float(np.sum(binom.pmf(counts, n, differ) * binom.cdf(losses, counts, 1 - win)))


@lru_cache(maxsize=4096)
def rows_needed(
    effect: float,
    *,
    power_wanted: float = 0.8,
    discordance: float = DISCORDANCE,
    alpha: float = 0.05,
    least: float = 0.0,
) -> int | None:
    """The rows on which a true gain of `effect` is seen with the wanted power; None above 100,000."""
    if effect <= 0:
        return None

    def enough(n: int) -> bool:
        return power(n, effect, discordance, alpha, least) >= power_wanted

    low, high = 4, 8
    while not enough(high):
        low, high = high, high * 2
        if high > ROWS_TRIED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@lru_cache(maxsize=4096)
def minimum_detectable_effect(
    n: int, *, power_wanted: float = 0.8, discordance: float = DISCORDANCE, alpha: float = 0.05
) -> float:
    """The smallest true gain that n rows show with the wanted power, to a tenth of a point; 1 when none."""
    low, high = 0, 1000
    while high - low > 1:
        middle = (low + high) // 2
        seen = n > 0 and power(n, middle / 1000, discordance, alpha) >= power_wanted
        low, high = (low, middle) if seen else (middle, high)
    return high / 1000


def rows_to_clear(margin: float, lost: int = 0, conf: float = 0.95) -> int:
    """The rows that, with so many lost, keep Wilson's upper bound of the lost share within a margin."""
    n = max(lost, 1)
    while wilson(lost, n, conf).high > margin and n < ROWS_TRIED:
        n += max(1, n // 50)
    return n
