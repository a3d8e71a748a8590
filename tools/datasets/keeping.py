"""Check a file and keep it as a dataset, and find it again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.context import Context
from trainer.data.card import can_be_mended
from trainer.data.check import check
from trainer.data.report.findings import read_findings, write_findings
from trainer.errors import BadInput
from trainer.store.datasets import has_more_findings, report_from_bytes, report_to_bytes
from trainer.store.tables import Dataset
from trainer.types import CheckReport

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check said; `dataset` is None where no row can be used nor mended, and nothing was kept."""

    report: CheckReport
    dataset: Dataset | None


def check_file(context: Context, path: Path, *, filename: str, on_progress: Progress | None = None) -> Checked:
    """Check a file and keep it, with its report, where there is anything to use or to mend."""
    return keep(context, path, filename=filename, on_progress=on_progress)


def keep(
    context: Context,
    path: Path,
    *,
    filename: str,
    parent: Dataset | None = None,
    change: dict[str, Any] | None = None,
    source: str = "",
    format: str | None = None,
    mapping: dict[str, str] | None = None,
    target: str | None = None,
    on_progress: Progress | None = None,
) -> Checked:
    """Check a file and keep it as a dataset, or as `parent`'s next version; the thread is about it from now on.

    `format` and `mapping`, where a person chose them, are remembered: the rows are read the same way later."""
    services = context.services
    report = check(
        path,
        settings=services.settings,
        format=format,
        mapping=mapping,
        target=target,
        on_progress=on_progress,
    )
    if not report.accepted and not can_be_mended(report):
        return Checked(report, None)
    dataset = services.datasets.add(
        report,
        filename=filename,
        blob=services.blobs.put_file(path),
        report_blob=services.blobs.put_bytes(report_to_bytes(report)),
        findings_blob=_findings_blob(context, report),
        owner=context.caller.user,
        team=context.caller.team,
        parent=parent,
        change=_read_as(change or {"kind": "upload"}, format, mapping),
        source=source or ("" if parent else "slack" if context.caller.origin else "terminal"),
    )
    services.threads.link(context.caller.origin, dataset_id=dataset.id)
    return Checked(report, dataset)


def _read_as(change: dict[str, Any], format: str | None, mapping: dict[str, str] | None) -> dict[str, Any]:
    return change | ({"format": format} if format else {}) | ({"mapping": dict(mapping)} if mapping else {})


def _findings_blob(context: Context, report: CheckReport) -> str:
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        return context.services.blobs.put_file(write_findings(report.findings, Path(folder) / "findings.jsonl"))


def report_of(context: Context, dataset: Dataset) -> CheckReport:
    """The report with every finding; a flood of them goes to a temporary file, not into memory."""
    kept = context.services.blobs.get_bytes(dataset.report_sha256)
    if not dataset.findings_sha256 or not has_more_findings(kept):
        return report_from_bytes(kept)
    with findings_of(context, dataset) as path:
        return report_from_bytes(kept, read_findings(path))


def stats_of(context: Context, dataset: Dataset) -> dict[str, Any]:
    """The figures of the report, without its findings."""
    return report_from_bytes(context.services.blobs.get_bytes(dataset.report_sha256), ()).stats


@contextmanager
def findings_of(context: Context, dataset: Dataset) -> Iterator[Path]:
    """A file with every finding, one JSON object a line; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        path = Path(folder) / "findings.jsonl"
        if dataset.findings_sha256:
            yield context.services.blobs.get_file(dataset.findings_sha256, path)
        else:
            yield write_findings(report_of(context, dataset).findings, path)


def pick_dataset(context: Context, dataset_id: str | None) -> Dataset:
    """The dataset named, or the one that this thread is about."""
    wanted = dataset_id or context.services.threads.topic(context.caller.origin).dataset_id
    if not wanted:
        raise BadInput(
            "I don't see a dataset in this thread.",
            fix="Drop a file here first, or name one by its id (file-…).",
            code="no_dataset",
            param="dataset",
        )
    dataset = context.services.datasets.get(wanted)
    if dataset.deleted_at:
        raise BadInput(
            f"{dataset.id} was deleted; only its place in the lineage is left.",
            fix="Drop the file again, or name another version.",
            code="dataset_deleted",
            param="dataset",
        )
    return dataset


def source_file(context: Context, dataset: Dataset, folder: Path) -> Path:
    """The dataset's bytes as they were given, laid out in `folder` under a name of the same ending."""
    suffix = "".join(Path(dataset.filename).suffixes[-2:]).lower()
    plain = suffix if suffix.replace(".", "").isalnum() else ".jsonl"
    return context.services.blobs.get_file(dataset.sha256, folder / f"data{plain}")


def mapping_of(dataset: Dataset) -> dict[str, Any]:
    """How its rows are read, where a person chose: keywords `format` and `mapping` for check, rows and fix."""
    return {key: dataset.change.get(key) for key in ("format", "mapping")}
