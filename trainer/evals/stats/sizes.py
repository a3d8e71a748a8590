"""How many rows show which gain."""

from __future__ import annotations

import math
from functools import lru_cache

from trainer.evals.stats.intervals import Interval, wilson

DISCORDANCE = 0.125  # share of rows on which two models usually differ; matches power tables we measured
ROWS_TRIED = 100_000


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


def rows_for_scores(
    effect: float, spread: float, *, power_wanted: float = 0.8, alpha: float = 0.05, least: float = 0.0
) -> int | None:
    """As rows_needed, for scores whose differences by row have the standard deviation `spread`; by the normal
    distribution. None above 100,000, and where the gain is none or below what is asked for."""
    if effect <= least or effect <= 0:
        return None
    from scipy.stats import norm

    power_z, alpha_z = float(norm.ppf(power_wanted)), float(norm.ppf(1 - alpha / 2))
    shown, asked = (alpha_z + power_z) * spread / effect, power_z * spread / (effect - least)
    needed = max(4, math.ceil(max(shown, asked) ** 2))
    return needed if needed <= ROWS_TRIED else None


def detectable_score(n: int, spread: float, *, power_wanted: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest true gain that n such rows show with the wanted power, in the unit of `spread`."""
    from scipy.stats import norm

    return float(norm.ppf(power_wanted) + norm.ppf(1 - alpha / 2)) * spread / math.sqrt(max(n, 1))


def rows_to_settle(interval: Interval, line: float) -> int | None:
    """The rows at which an estimate that stays what it is has its whole interval on one side of a line; None where it
    lies too near to it, or above 100,000."""
    gap = abs(line - interval.estimate)
    reach = interval.high - interval.estimate if interval.estimate < line else interval.estimate - interval.low
    if gap <= 1e-9:
        return None
    needed = math.ceil(interval.n * (reach / gap) ** 2)
    return needed if needed <= ROWS_TRIED else None


@lru_cache(maxsize=1024)
def rows_to_keep(margin: float, loses: float = 0.0, *, power_wanted: float = 0.95, conf: float = 0.95) -> int | None:
    """The rows on which a model that truly loses a share of `loses` is cleared with the wanted power: Wilson's upper
    bound of what it lost stays within the margin. None above 100,000."""
    from scipy.stats import binom

    if loses >= margin:
        return None
    n, allowed = rows_to_clear(margin, 0, conf), 0
    while n <= ROWS_TRIED:
        while wilson(allowed + 1, n, conf).high <= margin:
            allowed += 1
        if binom.cdf(allowed, n, loses) >= power_wanted:
            return n
        n += max(1, n // 50)
    return None
