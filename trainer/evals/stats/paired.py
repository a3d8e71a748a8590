"""Two models on the same rows, each right or wrong. `b` counts rows that only the base answered rightly (losses),
`c` rows that only the tuned model did (gains)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trainer.evals.stats.intervals import Interval, wilson


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
