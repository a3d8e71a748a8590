"""Figures in words: shares, differences, p."""

from __future__ import annotations

from trainer.evals.stats import Interval

UNITS = {"seconds": " s", "nats": " nats", "tokens": " tokens", "ratio": ""}


def points(gain: Interval) -> str:
    """A difference in points with its interval: `+12.0 points (+3.1 to +20.8)`."""
    return f"{gain.estimate * 100:+.1f} points ({gain.low * 100:+.1f} to {gain.high * 100:+.1f})"


def percent(share: Interval) -> str:
    """A share with its interval: `82.0 % (71.2 to 89.5)`."""
    return f"{share.estimate * 100:.1f} % ({share.low * 100:.1f} to {share.high * 100:.1f})"


def whole(share: float) -> str:
    """A share without what nobody needs: `10 %`, `2.5 %`."""
    return f"{round(share * 100, 2):g} %"


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def rows(count: int, noun: str = "row") -> str:
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"


def amount(value: float, unit: str) -> str:
    """One figure in its unit: `82.0 %`, `31.4 points`, `1.250 s`."""
    if unit == "share":
        return f"{value * 100:.1f} %"
    if unit == "points":
        return f"{value:.1f} points"
    return f"{value:.3g}{UNITS.get(unit, '')}"


def change(gain: Interval, unit: str) -> str:
    """A difference in its unit, with its interval."""
    if unit == "share":
        return points(gain)
    if unit == "points":
        return f"{gain.estimate:+.1f} points ({gain.low:+.1f} to {gain.high:+.1f})"
    return f"{gain.estimate:+.3g}{UNITS.get(unit, '')} ({gain.low:+.3g} to {gain.high:+.3g})"
