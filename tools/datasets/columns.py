"""The columns of a dataset whose rows are read through a mapping."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tools.context import Context
from tools.datasets.keeping import source_file
from trainer.data.intake import Intake
from trainer.data.scan import Refused
from trainer.data.sources import open_source
from trainer.data.sources.limits import Limits
from trainer.errors import BadInput
from trainer.store.tables import Dataset


def columns_of(context: Context, dataset: Dataset) -> list[str]:
    """The keys of its first rows, in the order in which they are met."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        source = source_file(context, dataset, Path(folder))
        try:
            with open_source(source, Limits.of(context.services.settings)) as opened:
                rows = Intake(opened).first_rows
        except Refused as refused:
            raise BadInput(f"{dataset.filename} cannot be read: {refused.problem.message}") from None
    return list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
