"""From everybody's answers and scores to the report and its verdict."""

from trainer.evals.compare.whole import compare

__all__ = ["compare"]
