"""An evaluation told to people: verdict first, then figures; as lines, table, picture and JSON."""

from trainer.evals.report.told import chart, dump, headline, lines, load, markdown

__all__ = ["chart", "dump", "headline", "lines", "load", "markdown"]
