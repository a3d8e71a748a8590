"""The candidate's scores against another's on the same rows, by the test that fits them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from trainer.evals.stats.clusters import cluster_ids, clustered_mean, effective_rows
from trainer.evals.stats.intervals import Interval, widest
from trainer.evals.stats.paired import Paired, mcnemar_exact, paired_interval
from trainer.evals.stats.scores import bootstrap_mean, flipped_signs
from trainer.evals.stats.sizes import detectable_score, minimum_detectable_effect, rows_for_scores, rows_needed


@dataclass(frozen=True, slots=True)
class Difference:
    """Positive is for the candidate, whichever way the metric runs. `pairs` where every row is right or wrong, else
    None; `spread` is the standard deviation of the rows' differences; `clusters` is 0 where no rows share a group,
    and `design` says how many rows then tell as much as one of its own."""

    n: int
    wins: int
    losses: int
    interval: Interval
    p: float
    how: str
    pairs: Paired | None = None
    spread: float = 0.0
    clusters: int = 0
    design: float = 1.0

    @property
    def ties(self) -> int:
        return self.n - self.wins - self.losses

    def significant(self, alpha: float) -> bool:
        return self.p < alpha

    def rows_for(self, effect: float, *, least: float = 0.0, alpha: float = 0.05) -> int | None:
        """The rows that show a true gain of `effect`, when rows differ as these do; None above 100,000."""
        if self.pairs is not None:
            differ = round(self.pairs.discordance, 3)
            needed = rows_needed(math.floor(effect * 1000 + 1e-6) / 1000, discordance=differ, alpha=alpha, least=least)
        else:
            needed = rows_for_scores(effect, self.spread, alpha=alpha, least=least)
        return math.ceil(needed * self.design) if needed else None

    def detectable(self, alpha: float = 0.05) -> float:
        """The smallest true gain that these rows show, mostly."""
        rows = int(self.n / self.design)
        if self.pairs is not None:
            return minimum_detectable_effect(rows, discordance=round(self.pairs.discordance, 3), alpha=alpha)
        return detectable_score(rows, self.spread, alpha=alpha)


@lru_cache(maxsize=65536)
def of_pairs(pairs: Paired, conf: float = 0.95) -> Difference:
    """Right or wrong, and each row for itself: exact McNemar and Newcombe's interval."""
    interval, p = paired_interval(pairs, conf), mcnemar_exact(pairs.base_only, pairs.tuned_only)
    spread = math.sqrt(max(0.0, pairs.discordance - interval.estimate**2))
    return Difference(pairs.n, pairs.tuned_only, pairs.base_only, interval, p, "mcnemar-exact", pairs, spread)


def difference(
    reference: Sequence[float],
    candidate: Sequence[float],
    *,
    conf: float = 0.95,
    better: str = "higher",
    groups: Sequence[str] = (),
    bounds: tuple[float, float] | None = None,
    shares: bool = True,
) -> Difference:
    """Paired scores, one row each; of `shares` 0 and 1 are wrong and right, else they are scores like any. Rows of one
    group are counted together, and the result is never surer than if each row stood alone. Raises ValueError when
    the two are not equally long."""
    if len(reference) != len(candidate):
        raise ValueError(f"{len(reference)} and {len(candidate)} scores are not paired")
    turn = -1.0 if better == "lower" else 1.0
    found = _single(reference, candidate, turn, conf, bounds, shares)
    ids = cluster_ids(groups)
    return _clustered(found, [turn * (c - r) for r, c in zip(reference, candidate, strict=True)], ids) if ids else found


def _single(
    reference: Sequence[float],
    candidate: Sequence[float],
    turn: float,
    conf: float,
    bounds: tuple[float, float] | None,
    shares: bool,
) -> Difference:
    if shares and turn > 0 and all(score in (0, 1) for score in (*reference, *candidate)):
        return of_pairs(Paired.of([s == 1 for s in reference], [s == 1 for s in candidate]), conf)
    gains = [turn * (c - r) for r, c in zip(reference, candidate, strict=True)]
    reach = (bounds[0] - bounds[1], bounds[1] - bounds[0]) if bounds and math.isfinite(bounds[1]) else None
    if reach is None and gains:
        most = max(abs(score) for score in (*reference, *candidate))
        reach = (-most, most)
    interval = bootstrap_mean(gains, conf, reach)
    wins, losses = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    p, n = flipped_signs(gains), len(gains)
    spread = math.sqrt(sum((gain - interval.estimate) ** 2 for gain in gains) / (n - 1)) if n > 1 else 0.0
    return Difference(n, wins, losses, interval, p, "paired-bootstrap", None, spread)


def _clustered(found: Difference, gains: Sequence[float], ids: Sequence[int]) -> Difference:
    sums: dict[int, float] = {}
    for number, gain in zip(ids, gains, strict=True):
        sums[number] = sums.get(number, 0.0) + gain
    p = max(found.p, flipped_signs([round(total, 12) for total in sums.values()]))
    interval = found.interval
    if len(sums) > 1:
        interval = widest(interval, clustered_mean(gains, ids, interval.confidence), "cluster-robust")
    design = max(1.0, found.n / effective_rows(gains, ids))
    how = "cluster-sign-flip"
    return Difference(found.n, found.wins, found.losses, interval, p, how, found.pairs, found.spread, len(sums), design)
