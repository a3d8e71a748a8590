"""How far a judge and people agree: Cohen's κ with the people's majority, Krippendorff's α among all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trainer.evals.stats import Interval

Choice = Literal["candidate", "other", "tie"]
CHOICES: tuple[Choice, ...] = ("candidate", "other", "tie")
Key = tuple[str, str]  # suite, id of the case


@dataclass(frozen=True, slots=True)
class Label:
    """What one person said of one case, after its identities were unsealed."""

    suite: str
    case_id: str
    choice: Choice
    voter: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """`n` cases that both the judge and people spoke on. None where a figure is not defined: with one label only, or
    where all say the same throughout. `people` is Krippendorff's α without the judge."""

    n: int
    kappa: Interval | None = None
    alpha: float | None = None
    people: float | None = None


def agreement(judged: Mapping[Key, Choice], labels: Sequence[Label]) -> Agreement:
    """Over the cases that both have; who labelled a case twice counts with the last word."""
    votes = _votes(judged, labels)
    if not votes:
        return Agreement(0)
    pairs: list[tuple[Choice, Choice]] = [(judged[key], majority(list(said.values()))) for key, said in votes.items()]
    people = list(votes.values())
    everybody = [{**said, None: judged[key]} for key, said in votes.items()]
    return Agreement(len(votes), kappa(pairs), krippendorff_alpha(everybody), krippendorff_alpha(people))


def _votes(judged: Mapping[Key, Choice], labels: Sequence[Label]) -> dict[Key, dict[str | None, Choice]]:
    votes: dict[Key, dict[str | None, Choice]] = defaultdict(dict)
    for label in labels:
        key = (label.suite, label.case_id)
        if key in judged:
            votes[key][label.voter] = label.choice
    return dict(votes)


def majority(choices: Sequence[Choice]) -> Choice:
    """What most said; people who are divided have no favourite, which is a tie."""
    counted: list[tuple[Choice, int]] = Counter(choices).most_common()
    (first, most), *rest = counted
    return "tie" if rest and rest[0][1] == most else first


def kappa(pairs: Sequence[tuple[Choice, Choice]]) -> Interval | None:
    """Cohen's κ of two raters with its large-sample 95 % interval (Fleiss, Cohen and Everitt 1969); None where chance
    alone explains all, since both say the same one thing throughout."""
    if not pairs or len({choice for pair in pairs for choice in pair}) < 2:
        return None
    import numpy as np
    from statsmodels.stats.inter_rater import cohens_kappa

    seen = Counter(pairs)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a z value that nobody reads
        found: Any = cohens_kappa([[seen[mine, theirs] for theirs in CHOICES] for mine in CHOICES])
    low, high = max(-1.0, float(found.kappa_low)), min(1.0, float(found.kappa_upp))
    return Interval(float(found.kappa), low, high, len(pairs), 0.95, "fleiss-cohen-everitt")


def krippendorff_alpha(units: Sequence[Mapping[Any, str]]) -> float | None:
    """Nominal α; a unit maps raters to what they said. None where no unit has two raters, or nothing varies."""
    domain = sorted({value for unit in units for value in unit.values()})
    counts = [[list(unit.values()).count(value) for value in domain] for unit in units]
    paired = [row for row in counts if sum(row) > 1]
    if not paired or sum(any(row[at] for row in paired) for at in range(len(paired[0]))) < 2:
        return None
    import krippendorff

    return float(krippendorff.alpha(value_counts=paired, level_of_measurement="nominal"))
