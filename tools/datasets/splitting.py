"""Split a dataset once, seal its test part, and say no where there is nothing to train on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tools.context import Context
from tools.datasets.keeping import mapping_of, source_file
from trainer.data.kinds import HOLDS, objective_for
from trainer.data.split import SplitResult, split
from trainer.errors import BadInput
from trainer.store.tables import Dataset
from trainer.types import Verdict

HOW = ("seed", "dev", "test", "group", "stratify", "near")


def ensure_split(context: Context, dataset: Dataset) -> dict[str, Any]:
    """The dataset's train/dev/test split, made once and sealed: {"seed", "counts", "blobs"}. A version is split as its
    parents were, so that a row stays on its side for good."""
    if dataset.split:
        return dataset.split
    return make_split(context, dataset, **as_before(context, dataset))


def as_before(context: Context, dataset: Dataset) -> dict[str, Any]:
    """How the youngest split of a dataset's line was made: the arguments of `make_split`, {} where there is none."""
    for version in reversed(context.services.datasets.lineage(dataset.id)):
        if version.split:
            return {key: version.split[key] for key in HOW if key in version.split}
    return {}


def make_split(
    context: Context,
    dataset: Dataset,
    *,
    seed: int = 17,
    dev: float = 0.1,
    test: float = 0.2,
    group: str = "prompt",
    stratify: str | None = None,
    near: bool | None = None,
) -> dict[str, Any]:
    """Split by `group`; `stratify` keeps the shares of that key's values in every part, and `near=False` lets
    near-duplicates go apart. Rows are written in the one shape of their kind."""
    _need_rows(dataset)
    asked = {"seed": seed, "dev": dev, "test": test, "group": group}
    asked |= {key: value for key, value in (("stratify", stratify), ("near", near)) if value is not None}
    if dataset.split:
        return _same(dataset, dataset.split, asked)
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        source, settings = source_file(context, dataset, Path(folder)), context.services.settings
        result = split(source, Path(folder) / "split", settings=settings, **mapping_of(dataset), **asked)
        made = _keep(context, result) | {"near": True} | asked
    context.services.datasets.set_split(dataset.id, made)
    dataset.split = made
    return made


def _same(dataset: Dataset, existing: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    before = {"group": "prompt", **existing}
    if all(before.get(key) == value for key, value in asked.items()):
        return existing
    raise BadInput(
        f"{dataset.id} is already split (seed {existing['seed']}); its test rows stay sealed.",
        fix="Drop the file again to make a dataset with another split.",
        code="already_split",
    )


def _need_rows(dataset: Dataset) -> None:
    need_trainable(dataset)
    if dataset.verdict == Verdict.BROKEN:
        raise BadInput(
            f"{dataset.filename} has too few usable rows ({dataset.accepted} of {dataset.rows}).",
            fix="Mend the rows that the report names, by Fix or by hand.",
            code="dataset_broken",
        )


def need_trainable(dataset: Dataset) -> None:
    """Raises BadInput for rows that nothing here learns from."""
    objective_for(dataset.kind, name=f"{dataset.id} ({dataset.format})" if dataset.format else dataset.id)


def need_answers(dataset: Dataset) -> None:
    """Raises BadInput for rows that are not prompts with one answer each: what rows are written from and like."""
    if dataset.kind in ("chat", ""):
        return
    raise BadInput(
        f"{dataset.id} holds {HOLDS.get(dataset.kind, dataset.kind)}, not prompts with answers.",
        fix="Choose a dataset of conversations, prompts with answers or instructions.",
        code="not_supervised",
        param="dataset",
    )


def _keep(context: Context, result: SplitResult) -> dict[str, Any]:
    blobs = {name: context.services.blobs.put_file(path) for name, path in result.files.items()}
    return {
        "seed": result.seed,
        "counts": dict(result.counts),
        "blobs": blobs,
        "dropped_duplicates": result.dropped_duplicates,
    }
