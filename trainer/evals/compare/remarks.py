"""What a reader of the report must know beside the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainer.evals.case import HOLDER, Contestant
from trainer.evals.compare.measures import Measured, half_scored
from trainer.evals.gate import GateSpec, called, whole
from trainer.evals.gate.words import rows as counted
from trainer.evals.metrics.metric import Pooled
from trainer.evals.outcome import Comparison, Row
from trainer.evals.stats import FEW_CLUSTERS, cluster_ids

ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def remarks(
    spec: GateSpec,
    contestants: Sequence[Contestant],
    test: Sequence[Row],
    found: Mapping[str, Measured],
    looks: int,
) -> list[str]:
    return [
        *looked(spec, looks),
        *_unscored(test, found, [who.key for who in contestants]),
        *_grouped(test),
        *_pooled(spec, found),
        *_alone(spec, contestants),
    ]


def looked(spec: GateSpec, looks: int) -> list[str]:
    """What it means that this test split was used before."""
    if looks < 2:
        return []
    once, ever = whole(round(spec.alpha / 2, 3)), whole(round(1 - (1 - spec.alpha / 2) ** looks, 3))
    said = (
        f"This is the {ordinal(looks)} candidate judged on this test split; by luck alone one that is no better passes"
    )
    return [
        f"{said} in up to {once} of cases, and among {looks} of them one does in up to {ever}. Fresh test rows help."
    ]


def ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"


def _unscored(test: Sequence[Row], found: Mapping[str, Measured], keys: Sequence[str]) -> list[str]:
    told: list[str] = []
    for name in found:
        half = half_scored(test, name, keys)
        if half:
            ids = ", ".join(row.id for row in half[:5]) + (" …" if len(half) > 5 else "")
            told.append(f"{counted(len(half), 'test row')} have a score of {name} for some models only: {ids}.")
        none = sum(not any(name in scores for scores in row.scores.values()) for row in test)
        if none:
            some = f"{len(test) - none:,} of {len(test):,} test rows"
            told.append(f"{name} was scored on {some}; to the others it does not apply.")
    return told


def _grouped(test: Sequence[Row]) -> list[str]:
    ids = cluster_ids([row.group for row in test])
    if not ids:
        return []
    count = len(set(ids))
    said = f"Test rows share {count} groups (conversations, documents); rows of one group were counted together."
    few = f" With fewer than {FEW_CLUSTERS} groups the intervals are guesses." if count < FEW_CLUSTERS else ""
    return [said + few]


def _pooled(spec: GateSpec, found: Mapping[str, Measured]) -> list[str]:
    measured = found.get(spec.primary)
    if measured is None or not isinstance(measured.metric, Pooled):
        return []
    return [f"{spec.primary} of all rows together is no mean; the verdict compares the scores of single rows."]


def _alone(spec: GateSpec, contestants: Sequence[Contestant]) -> list[str]:
    if not spec.alias or any(who.key == HOLDER for who in contestants):
        return []
    return [f"Nobody serves as {spec.alias} yet, so the candidate was held against its base only."]


def luck(comparisons: Sequence[Comparison], alpha: float) -> list[str]:
    """Where the candidate looks worse only as long as one forgets how many comparisons there are."""
    gone = [one for one in comparisons if one.losses > one.wins and one.p < alpha <= (one.p_holm or 0.0)]
    names = [f"{one.slice or one.suite} against {called(one.against)}" for one in gone]
    if not names:
        return []
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return [f"The candidate looks worse here, which among so many comparisons may be luck: {shown}."]
