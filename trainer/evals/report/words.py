"""How figures, contestants and verdicts are said: one place for every unit, for chat, page, terminal and picture."""

from __future__ import annotations

import math
from collections.abc import Iterable

from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER, Contestant
from trainer.evals.stats import Interval
from trainer.types import GateVerdict

VERDICTS = {
    GateVerdict.PASS: "PASS: better than the base, and its old skills are kept.",
    GateVerdict.FAIL: "FAIL: not fit for promotion.",
    GateVerdict.INCONCLUSIVE: "INCONCLUSIVE: the evidence does not decide.",
}
WORST_FIRST = (GateVerdict.FAIL, GateVerdict.INCONCLUSIVE, GateVerdict.PASS)
# digits and what stands behind, of a value
UNITS = {
    "share": (1, " %"),
    "points": (1, ""),
    "ratio": (2, ""),
    "nats": (3, " nats"),
    "seconds": (2, " s"),
    "tokens": (1, " tokens"),
}
WHO = {BASE: "base", HOLDER: "alias's model", CANDIDATE: "tuned"}


def value(figure: Interval, unit: str = "share") -> str:
    """`92.0 % (86.1 to 95.6)`, `1.84 s (1.20 to 2.31)`"""
    digits, behind = UNITS.get(unit, (2, ""))
    mid, low, high = (_number(x, unit, digits) for x in (figure.estimate, figure.low, figure.high))
    return f"{mid}{behind} ({low} to {high})"


def change(figure: Interval, unit: str = "share") -> str:
    """A difference with its interval: `+12.0 points (+3.1 to +20.8)`, `-0.40 s (-0.90 to +0.10)`"""
    digits, behind = UNITS.get(unit, (2, ""))
    behind = " points" if unit == "share" else behind
    mid, low, high = (_number(x, unit, digits, sign="+") for x in (figure.estimate, figure.low, figure.high))
    return f"{mid}{behind} ({low} to {high})"


def amount(number: float, unit: str = "share") -> str:
    """A single value, without an interval: `92.0 %`"""
    digits, behind = UNITS.get(unit, (2, ""))
    return f"{_number(number, unit, digits)}{behind}"


def _number(number: float, unit: str, digits: int, sign: str = "") -> str:
    shown = number * 100 if unit == "share" else number
    if math.isnan(shown):
        return "–"
    rounded = round(shown, digits) + 0.0 if math.isfinite(shown) else shown
    return f"{rounded:{sign},.{digits}f}"


def whole(share: float) -> str:
    return f"{share * 100:.0f} %"


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def metric(name: str, better: str = "higher") -> str:
    """`exact match`, `latency (lower is better)`"""
    said = name.replace("_", " ")
    return f"{said} (lower is better)" if better == "lower" else said


def reads(difference: Interval, better: str) -> str:
    """What a difference means, where its interval says: better, worse, or "" (nothing is shown)."""
    if better not in ("higher", "lower") or not (difference.low > 0 or difference.high < 0):
        return ""
    return "better" if (difference.low > 0) == (better == "higher") else "worse"


def who(contestant: Contestant) -> str:
    """`base`, `base + 4 examples`, `alias's model`, `tuned`; any other by its own name."""
    if contestant.key == FEW_SHOT:
        return f"base + {contestant.shots} examples"
    return WHO.get(contestant.key, contestant.key)


def names(contestants: Iterable[Contestant]) -> dict[str, str]:
    return {contestant.key: who(contestant) for contestant in contestants}


def rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
