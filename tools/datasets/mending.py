"""Mend a dataset: always a new version beside the old one, with what was changed and what was set aside."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.context import Context
from tools.datasets.keeping import Progress, keep, mapping_of, pick_dataset, source_file
from trainer.data.fix.books import Change, FixResult
from trainer.errors import BadInput
from trainer.store.tables import Dataset
from trainer.types import CheckReport

REDACT = "redact"


@dataclass(frozen=True, slots=True)
class Fixed:
    """`dataset` is the new version. `applied` counts rows a fix; `sample` shows the first changes."""

    parent: Dataset
    dataset: Dataset
    report: CheckReport
    applied: dict[str, int]
    quarantined: int  # rows that no fix could mend; they wait in a file with their reasons
    sample: tuple[Change, ...]


def fix(
    context: Context,
    dataset_id: str | None,
    only: Sequence[str] | None = None,
    *,
    on_progress: Progress | None = None,
) -> Fixed:
    """Apply every safe fix, or those in `only`. Raises BadInput where nothing changes or nothing is left."""
    return _mend(context, dataset_id, only, kind="fix", on_progress=on_progress)


def redact(context: Context, dataset_id: str | None, *, on_progress: Progress | None = None) -> Fixed:
    """Replace personal data and secrets by placeholders."""
    return _mend(context, dataset_id, [REDACT], kind="redact", on_progress=on_progress)


def map_columns(
    context: Context, dataset_id: str | None, mapping: dict[str, str], *, on_progress: Progress | None = None
) -> Fixed:
    """Read a file of unknown columns as `mapping` says: {"prompt": column, "completion": column, "system"?: column}."""
    parent = pick_dataset(context, dataset_id)
    change = {"kind": "map"}
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        source = source_file(context, parent, Path(folder))
        checked = keep(
            context,
            source,
            filename=versioned(parent, "".join(Path(parent.filename).suffixes)),
            parent=parent,
            change=change,
            mapping=mapping,
            on_progress=on_progress,
        )
    if checked.dataset is None:
        columns = ", ".join(f"{column} as {use}" for use, column in mapping.items())
        raise BadInput(
            f"With {columns}, no row of {parent.filename} can be used.",
            fix="Choose other columns; nothing was changed.",
            code="bad_mapping",
            param="mapping",
        )
    return Fixed(parent, checked.dataset, checked.report, {"columns": checked.report.accepted}, 0, ())


def _mend(
    context: Context,
    dataset_id: str | None,
    only: Sequence[str] | None,
    *,
    kind: str,
    on_progress: Progress | None,
) -> Fixed:
    from trainer.data.fix import fix as mend

    parent = pick_dataset(context, dataset_id)
    settings = context.services.settings
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        source = source_file(context, parent, Path(folder))
        made = mend(
            source, Path(folder) / "fixed", settings=settings, only=only, **mapping_of(parent), on_progress=on_progress
        )
        if not made.applied and not made.quarantined:
            deed = "redact" if kind == "redact" else "mend"
            raise BadInput(f"There is nothing to {deed} in {parent.filename}.", code="nothing_to_fix", param="dataset")
        checked = keep(
            context,
            made.file,
            filename=versioned(parent),
            parent=parent,
            change={"kind": kind, **_told(context, made, only)},
            format=made.format if mapping_of(parent)["format"] else None,
            on_progress=on_progress,
        )
    if checked.dataset is None:
        raise BadInput(
            f"No row of {parent.filename} could be mended: all {made.quarantined:,} need a person.",
            fix="See the report for what each row lacks; nothing was changed.",
            code="nothing_mended",
        )
    return Fixed(parent, checked.dataset, checked.report, dict(made.applied), made.quarantined, shown(made.sample))


def _told(context: Context, made: FixResult, only: Sequence[str] | None) -> dict[str, Any]:
    """What the new version's row remembers of its making. A log of redactions would keep what they took out: the
    parent alone has it."""
    changes = None if REDACT in made.applied else made.changes
    told = {"applied": dict(made.applied), "quarantined": made.quarantined, "duplicates": made.duplicates}
    told |= {"only": [*only]} if only else {}
    return told | _kept_beside(context, quarantine=made.quarantine, changes=changes)


def _kept_beside(context: Context, **files: Path | None) -> dict[str, str]:
    """Blobs of the files that are there: {name: sha256}."""
    blobs = context.services.blobs
    return {name: blobs.put_file(path) for name, path in files.items() if path is not None and path.is_file()}


def versioned(parent: Dataset, suffix: str = ".jsonl") -> str:
    """`tickets.csv.gz` → `tickets-v2.jsonl`."""
    stem = re.sub(r"-v\d+$", "", parent.filename.split(".")[0] or "data")
    return f"{stem}-v{parent.version + 1}{suffix}"


def shown(sample: Sequence[Change]) -> tuple[Change, ...]:
    """The changes as people may see them: what was redacted is not shown again as what stood there before."""
    return tuple(replace(change, before="(hidden)") if REDACT in change.fixes else change for change in sample)
