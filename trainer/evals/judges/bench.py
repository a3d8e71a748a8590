"""Whether a judge may be listened to: does it say the same in both orders, does it like a place or length, and does
it tell answers apart at all?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.evals.judges.ruling import Ruling

LEAST_CONSISTENT = 0.6  # of the pairs; who draws lots reaches half
SURE = 0.01  # p below which a liking is none by chance
SWAY = 0.1  # that a share may be away from a half
FEW = 10  # pairs below which nothing is said for certain
UNREADABLE = 0.2  # of the pairs that were asked


@dataclass(frozen=True, slots=True)
class Bearing:
    """Shares as in JudgeReport. `benched` is "" where it may be listened to."""

    consistency: float | None = None
    first_share: float | None = None
    length_bias: float | None = None
    benched: str = ""
    warnings: tuple[str, ...] = ()


def bearing(rulings: Sequence[Ruling], unreadable: int) -> Bearing:
    """Of the pairs that were asked; the rest tell nothing about the judge."""
    asked = [ruling for ruling in rulings if ruling.asked]
    paired = [ruling for ruling in asked if ruling.shown]
    consistency = sum(ruling.steady for ruling in paired) / len(paired) if paired else None
    first = _first_share(paired)
    bias, biased = _length(asked)
    reasons = [_unread(len(asked), unreadable), _placed(paired, consistency, first), _indifferent(asked)]
    warnings = [*biased, *_too_few(asked)]
    return Bearing(consistency, first, bias, " ".join(filter(None, reasons)), tuple(warnings))


def _first_share(paired: Sequence[Ruling]) -> float | None:
    """How often the answer shown first was chosen, of all that chose."""
    places = [place for ruling in paired for place in ruling.shown if place != "tie"]
    return places.count("first") / len(places) if places else None


def _placed(paired: Sequence[Ruling], consistency: float | None, first: float | None) -> str:
    """A pair whose orders led to the same place was decided by the place: of an unmoved judge half of those go to the
    first, by exact binomial test. Each pair counts once, since its two orders are not independent."""
    if consistency is None:
        return ""
    to_first = sum(ruling.shown == ("first", "first") for ruling in paired)
    to_second = sum(ruling.shown == ("second", "second") for ruling in paired)
    if first is not None and abs(first - 0.5) >= SWAY and chance(to_first, to_first + to_second) < SURE:
        place, share = ("first", first) if first > 0.5 else ("second", 1 - first)
        return f"It prefers the answer shown {place}: {share:.0%} of its choices, {_of(to_first, to_second, place)}."
    if len(paired) >= FEW and consistency < LEAST_CONSISTENT:
        return (
            f"It says the same in both orders for only {consistency:.0%} of {len(paired)} pairs; "
            f"at least {LEAST_CONSISTENT:.0%} are needed, and lots would reach about half."
        )
    return ""


def _of(to_first: int, to_second: int, place: str) -> str:
    count = to_first if place == "first" else to_second
    return f"and {count} of {to_first + to_second} pairs that the place decided"


def _length(asked: Sequence[Ruling]) -> tuple[float | None, list[str]]:
    """How much more often the longer answer won, and a warning where that is no chance."""
    decided = [ruling for ruling in asked if ruling.choice != "tie" and ruling.pair.longer]
    if not decided:
        return None, []
    longer = sum((ruling.choice == "candidate") == (ruling.pair.longer > 0) for ruling in decided)
    bias = 2 * longer / len(decided) - 1
    if chance(longer, len(decided)) >= SURE:
        return bias, []
    won, which = (longer, "longer") if bias > 0 else (len(decided) - longer, "shorter")
    said = f"The {which} answer won {won} of {len(decided)} decided pairs: either such answers are better here, or the "
    return bias, [said + "judge goes by length. People's votes tell which."]


def _unread(read: int, unreadable: int) -> str:
    asked = read + unreadable
    if not unreadable or unreadable <= UNREADABLE * asked:
        return ""
    return f"{unreadable} of {asked} rows got no answer of the form asked for; at most {UNREADABLE:.0%} may."


def _indifferent(asked: Sequence[Ruling]) -> str:
    """Whoever gives every answer the same tells nothing apart."""
    if len(asked) < FEW:
        return ""
    scores = {tuple(sorted(scores.items())) for ruling in asked for scores in ruling.scores.values()}
    if len(scores) == 1:
        return f"It gave the same scores to all {2 * len(asked)} answers."
    if not scores and all(ruling.shown == ("tie", "tie") for ruling in asked):
        return f"It called each of {len(asked)} pairs a tie."
    return ""


def _too_few(asked: Sequence[Ruling]) -> list[str]:
    few = f"Answers that differ were judged on {len(asked)} of at least {FEW} rows: too few to know the judge."
    return [few] if len(asked) < FEW else []


def chance(hits: int, n: int) -> float:
    """How likely a split at least as uneven is when both sides are equally likely: the exact binomial test."""
    if not n:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(hits, n).pvalue)
