"""Rows that share a group (a conversation, a document, a pair of twins) say less than as many rows of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from trainer.evals.stats.intervals import Interval, wilson

FEW_CLUSTERS = 10  # below this, whatever allows for groups is a guess, and must be said to be one


def cluster_ids(groups: Sequence[str]) -> list[int]:
    """A number by row, the same for rows of one group; rows of no group ("") stand alone. [] where no two rows share
    a group, so that rows may be counted as they are."""
    if not any(count > 1 for group, count in Counter(groups).items() if group):
        return []
    numbers: dict[object, int] = {}
    return [numbers.setdefault(group or index, len(numbers)) for index, group in enumerate(groups)]


def clustered_mean(values: Sequence[float], ids: Sequence[int], conf: float = 0.95) -> Interval:
    """The mean with an error that allows for clusters (CR1, t with as many degrees of freedom as clusters less one).
    Raises ValueError for fewer than two clusters."""
    import numpy as np
    from statsmodels.regression.linear_model import OLS

    if len(set(ids)) < 2:
        raise ValueError("one cluster has no spread between clusters")
    model = OLS(np.asarray(values, float), np.ones(len(values)))
    fitted: Any = model.fit(cov_type="cluster", cov_kwds={"groups": np.asarray(ids)}, use_t=True)
    low, high = fitted.conf_int(alpha=1 - conf)[0]
    return Interval(float(fitted.params[0]), float(low), float(high), len(values), conf, "cluster-robust")


def effective_rows(values: Sequence[float], ids: Sequence[int]) -> float:
    """As how many rows of their own these count: n over the design effect, never more than n. Where all values are
    the same nothing is known of the design effect, and each cluster counts once."""
    import numpy as np

    scores, n = np.asarray(values, float), len(values)
    clusters = len(set(ids))
    plain = float(scores.var(ddof=1)) / n if n > 1 else 0.0
    if plain <= 0 or clusters < 2:
        return float(max(clusters, 1))
    sums = np.bincount(np.asarray(ids), weights=scores - scores.mean())
    between = clusters / (clusters - 1) * float((sums**2).sum()) / n**2
    return min(float(n), max(1.0, n * plain / between)) if between > 0 else float(n)


def clustered_share(hits: Sequence[bool], groups: Sequence[str], conf: float = 0.95) -> Interval:
    """Wilson's interval of a share, over as many rows as the groups leave."""
    ids, k, n = cluster_ids(groups), sum(hits), len(hits)
    if not ids:
        return wilson(k, n, conf)
    from statsmodels.stats.proportion import proportion_confint

    rows = effective_rows([float(hit) for hit in hits], ids)
    bounds: Any = proportion_confint(k / n * rows, rows, alpha=1 - conf, method="wilson")
    low, high = (float(bound) for bound in bounds)
    return Interval(k / n, max(0.0, min(low, k / n)), min(1.0, max(high, k / n)), n, conf, "wilson-clustered")
