"""The statistics of paired comparisons: both models answered the same rows. scipy and statsmodels load at first use."""

from trainer.evals.stats.intervals import Interval, wilson
from trainer.evals.stats.paired import Paired, mcnemar_exact, paired_difference, paired_interval
from trainer.evals.stats.sizes import (
    DISCORDANCE,
    minimum_detectable_effect,
    power,
    rows_needed,
    rows_to_clear,
)

__all__ = [
    "DISCORDANCE",
    "Interval",
    "Paired",
    "mcnemar_exact",
    "minimum_detectable_effect",
    "paired_difference",
    "paired_interval",
    "power",
    "rows_needed",
    "rows_to_clear",
    "wilson",
]
