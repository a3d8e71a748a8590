"""Many comparisons at once: whoever looks often finds something by luck."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """p corrected by Holm's method over all that are given, in their order: the smallest counts as often as there are,
    the next once less, and none comes before a smaller one. (statsmodels' own collects garbage at every call.)"""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    found, most = [1.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        most = max(most, p_values[index] * (len(p_values) - place))
        found[index] = min(1.0, most)
    return found


def sign_test(wins: int, losses: int) -> float:
    """How likely a split at least as uneven is when a win is as likely as a loss; ties say nothing. Two-sided."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses, 0.5).pvalue) if wins + losses else 1.0
