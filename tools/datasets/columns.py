"""The columns of a dataset, by its first rows: for mappings and for keys to group by."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tools.context import Context
from tools.datasets.keeping import source_file
from trainer.data.intake import Intake
from trainer.data.sources import open_source
from trainer.data.sources.limits import Limits
from trainer.data.sources.refusal import Refused
from trainer.errors import BadInput
from trainer.store.datasets import report_from_bytes
from trainer.store.tables import Dataset


def columns_of(context: Context, dataset: Dataset) -> list[str]:
    """The keys of its first rows, in the order in which they are met."""
    return list(dict.fromkeys(key for row in _first_rows(context, dataset) for key in row))


def mapping_for(context: Context, dataset: Dataset) -> dict[str, str] | None:
    """How its columns are read, or how the check proposes to read them."""
    kept = context.services.blobs.get_bytes(dataset.report_sha256)
    return dataset.change.get("mapping") or report_from_bytes(kept, ()).mapping


def key_path(context: Context, dataset: Dataset, said: str) -> str:
    """`key:customer` as a person says it, to where the rows have it: `key:metadata.customer`. Else as it was said."""
    if not said.startswith("key:"):
        return said
    key = said.removeprefix("key:")
    rows = _first_rows(context, dataset)
    inside = [row["metadata"] for row in rows if isinstance(row.get("metadata"), dict)]
    if any(key in row for row in rows) or not any(key in metadata for metadata in inside):
        return said
    return f"key:metadata.{key}"


def _first_rows(context: Context, dataset: Dataset) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        source = source_file(context, dataset, Path(folder))
        try:
            with open_source(source, Limits.of(context.services.settings)) as opened:
                rows = Intake(opened).first_rows
        except Refused as refused:
            raise BadInput(f"{dataset.filename} cannot be read: {refused.problem.message}") from None
    return [row for row in rows if isinstance(row, dict)]
