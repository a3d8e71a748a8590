"""The statistics of comparisons in which everybody answered the same rows. scipy and statsmodels load at first use."""

from trainer.evals.stats.clusters import FEW_CLUSTERS, cluster_ids, clustered_mean, clustered_share, effective_rows
from trainer.evals.stats.difference import Difference, difference, of_pairs
from trainer.evals.stats.families import holm, sign_test
from trainer.evals.stats.intervals import Interval, clopper_pearson, most_failures, widest, wilson
from trainer.evals.stats.paired import Paired, mcnemar_exact, paired_difference, paired_interval
from trainer.evals.stats.scores import bootstrap_mean, flipped_signs, mean_interval
from trainer.evals.stats.sizes import (
    DISCORDANCE,
    detectable_score,
    minimum_detectable_effect,
    power,
    rows_for_scores,
    rows_needed,
    rows_to_clear,
    rows_to_keep,
    rows_to_settle,
)

__all__ = [
    "DISCORDANCE",
    "FEW_CLUSTERS",
    "Difference",
    "Interval",
    "Paired",
    "bootstrap_mean",
    "clopper_pearson",
    "cluster_ids",
    "clustered_mean",
    "clustered_share",
    "detectable_score",
    "difference",
    "effective_rows",
    "flipped_signs",
    "holm",
    "mcnemar_exact",
    "mean_interval",
    "minimum_detectable_effect",
    "most_failures",
    "of_pairs",
    "paired_difference",
    "paired_interval",
    "power",
    "rows_for_scores",
    "rows_needed",
    "rows_to_clear",
    "rows_to_keep",
    "rows_to_settle",
    "sign_test",
    "widest",
    "wilson",
]
