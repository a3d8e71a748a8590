"""Many comparisons at once: whoever looks often finds something by luck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def holm(p_values: Sequence[float]) -> list[float]:
    """p corrected by Holm's method over all that are given, in their order."""
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests

    corrected: Any = multipletests(list(p_values), method="holm")[1]
    return [min(1.0, float(p)) for p in corrected]


def sign_test(wins: int, losses: int) -> float:
    """How likely a split at least as uneven is when a win is as likely as a loss; ties say nothing. Two-sided."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses, 0.5).pvalue) if wins + losses else 1.0
