"""Check a file, keep it as a dataset, split it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.context import Context
from trainer.data.check import check
from trainer.data.split import SplitResult, split
from trainer.errors import BadInput
from trainer.store.datasets import report_from_bytes, report_to_bytes
from trainer.store.tables import Dataset
from trainer.types import CheckReport, Verdict

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check said; `dataset` is None where no row could be used, and nothing was kept."""

    report: CheckReport
    dataset: Dataset | None


def check_file(context: Context, path: Path, *, filename: str, on_progress: Progress | None = None) -> Checked:
    """Check a file and keep it, with its report, where at least one row is usable."""
    services = context.services
    report = check(path, settings=services.settings, on_progress=on_progress)
    if report.accepted == 0:
        return Checked(report, None)
    dataset = services.datasets.add(
        report,
        filename=filename,
        blob=services.blobs.put_file(path),
        report_blob=services.blobs.put_bytes(report_to_bytes(report)),
        owner=context.caller.user,
        team=context.caller.team,
    )
    services.threads.link(context.caller.origin, dataset_id=dataset.id)
    return Checked(report, dataset)


def report_of(context: Context, dataset: Dataset) -> CheckReport:
    return report_from_bytes(context.services.blobs.get_bytes(dataset.report_sha256))


def pick_dataset(context: Context, dataset_id: str | None) -> Dataset:
    """The dataset named, or the one that this thread is about."""
    wanted = dataset_id or context.services.threads.topic(context.caller.origin).dataset_id
    if not wanted:
        raise BadInput(
            "I don't see a dataset in this thread.",
            fix="Drop a JSONL file here first, or name one by its id (file-…).",
            code="no_dataset",
            param="dataset",
        )
    return context.services.datasets.get(wanted)


def ensure_split(context: Context, dataset: Dataset, *, seed: int = 17) -> dict[str, Any]:
    """The dataset's train/dev/test split, made once and sealed: {"seed", "counts", "blobs"}."""
    if dataset.split:
        return dataset.split
    return make_split(context, dataset, seed=seed)


def make_split(
    context: Context, dataset: Dataset, *, seed: int = 17, dev: float = 0.1, test: float = 0.2
) -> dict[str, Any]:
    services = context.services
    if dataset.verdict == Verdict.BROKEN:
        raise BadInput(
            f"{dataset.filename} has too few usable rows ({dataset.accepted} of {dataset.rows}).",
            fix="Mend the rows that the report names, then drop the file again.",
            code="dataset_broken",
        )
    if dataset.split:
        asked = {"seed": seed, "dev": dev, "test": test}
        if asked == {key: dataset.split.get(key) for key in asked}:
            return dataset.split
        raise BadInput(
            f"{dataset.id} is already split (seed {dataset.split['seed']}); its test rows stay sealed.",
            fix="Drop the file again to make a dataset with another split.",
            code="already_split",
        )
    with tempfile.TemporaryDirectory() as folder:
        source = services.blobs.get_file(dataset.sha256, Path(folder) / "data.jsonl")
        result = split(source, Path(folder) / "split", seed=seed, dev=dev, test=test)
        made = _keep(context, result) | {"dev": dev, "test": test}
    services.datasets.set_split(dataset.id, made)
    dataset.split = made
    return made


def _keep(context: Context, result: SplitResult) -> dict[str, Any]:
    blobs = {name: context.services.blobs.put_file(path) for name, path in result.files.items()}
    return {
        "seed": result.seed,
        "counts": dict(result.counts),
        "blobs": blobs,
        "dropped_duplicates": result.dropped_duplicates,
    }
