"""An evaluation told to people: verdict first, then figures; as lines, table, picture, page and JSON."""

from trainer.evals.report.charts import chart, described, forest
from trainer.evals.report.files import dump, load, markdown, write
from trainer.evals.report.page import html
from trainer.evals.report.sentences import headline, lines

__all__ = ["chart", "described", "dump", "forest", "headline", "html", "lines", "load", "markdown", "write"]
