"""How figures, contestants and verdicts are said: one place for every unit, for chat, page, terminal and picture."""

from __future__ import annotations

from collections.abc import Iterable

from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER, Contestant
from trainer.evals.gate import words as gate
from trainer.evals.gate.words import p_text, rows, whole
from trainer.evals.stats import Interval
from trainer.types import GateVerdict

VERDICTS = {
    GateVerdict.PASS: "PASS: better than the base, and its old skills are kept.",
    GateVerdict.FAIL: "FAIL: not fit for promotion.",
    GateVerdict.INCONCLUSIVE: "INCONCLUSIVE: the evidence does not decide.",
}
__all__ = ["amount", "change", "gain", "metric", "names", "p_text", "reads", "rows", "value", "who", "whole"]
WHO = {BASE: "base", HOLDER: "alias's model", CANDIDATE: "tuned"}


def value(figure: Interval, unit: str = "share") -> str:
    """`92.0 % (86.1 to 95.6)`, `1.84 s (1.2 to 2.31)`"""
    return f"{amount(figure.estimate, unit)} ({_bare(figure.low, unit)} to {_bare(figure.high, unit)})"


def change(figure: Interval, unit: str = "share") -> str:
    """A difference with its interval: `+12.0 points (+3.1 to +20.8)`, `-0.4 s (-0.9 to +0.1)`"""
    return gate.change(figure, unit)


def amount(number: float, unit: str = "share") -> str:
    """A single value, without an interval: `92.0 %`"""
    return gate.amount(number, unit).replace(" points", "")


def gain(number: float, unit: str = "share") -> str:
    """A difference without sign or interval: `11.0 points`, `0.4 s`"""
    return f"{number * 100:.1f} points" if unit == "share" else gate.amount(number, unit)


def _bare(number: float, unit: str) -> str:
    shown = number * 100 if unit == "share" else number
    return f"{shown:.1f}" if unit in ("share", "points") else f"{shown:.3g}"


def metric(name: str, better: str = "higher") -> str:
    """`exact match`, `latency (lower is better)`"""
    said = name.replace("_", " ")
    return f"{said} (lower is better)" if better == "lower" else said


def reads(difference: Interval, better: str, p: float | None = None, alpha: float = 0.05) -> str:
    """What a difference means, where its interval and its p say so: better, worse, or "" (nothing is shown)."""
    unclear = not (difference.low > 0 or difference.high < 0) or (p is not None and p >= alpha)
    if better not in ("higher", "lower") or unclear:
        return ""
    return "better" if (difference.low > 0) == (better == "higher") else "worse"


def who(contestant: Contestant) -> str:
    """`base`, `base + 4 examples`, `alias's model`, `tuned`; any other by its own name."""
    if contestant.key == FEW_SHOT:
        return f"base + {contestant.shots} examples"
    return WHO.get(contestant.key, contestant.key)


def names(contestants: Iterable[Contestant]) -> dict[str, str]:
    return {contestant.key: who(contestant) for contestant in contestants}
