"""What a training run may mix in: the base's own rows of old tasks, or the train part of another dataset."""

from __future__ import annotations

from typing import Any

from tools.context import Context
from tools.datasets import ensure_split
from trainer.bases import TINY, Base
from trainer.errors import BadInput
from trainer.methods.spec import RunSpec
from trainer.store.tables import Dataset


def check(context: Context, dataset: Dataset, base: Base, spec: RunSpec) -> None:
    """BadInput where the rows that the spec asks for are not to be had, or do not fit beside the dataset's."""
    if spec.replay_dataset is not None:
        _of_dataset(context, dataset, spec)
    elif spec.replay > 0 and base.name != TINY and base.carried("replay.jsonl") is None:
        raise BadInput(
            f"{base.name} carries no old-task rows to replay.",
            fix="Leave replay out, name a dataset (replay_dataset), or put rows of its old tasks in its folder at "
            "tunesmith/replay.jsonl.",
            code="no_replay_rows",
            param="replay",
        )


def covered(context: Context, spec: RunSpec) -> dict[str, Any]:
    """What an approval is bound to beside the run's own dataset: the other one and its split."""
    if spec.replay_dataset is None:
        return {}
    other = context.services.datasets.get(spec.replay_dataset)
    return {"replay": {"dataset_id": other.id, "sha256": other.sha256, "split": other.split}}


def _of_dataset(context: Context, dataset: Dataset, spec: RunSpec) -> None:
    other = context.services.datasets.get(spec.replay_dataset or "")
    if other.deleted_at is not None:
        raise _refused(f"{other.filename} ({other.id}) was deleted.", "Name a dataset that is still kept.", "deleted")
    if other.id == dataset.id:
        raise _refused(
            f"{other.filename} ({other.id}) is the dataset of this run itself.",
            "Name another one, or train for more epochs.",
            "replay_is_dataset",
        )
    if (other.kind or "chat") != (dataset.kind or "chat"):
        raise _refused(
            f"{other.filename} ({other.id}) holds rows of kind {other.kind}, and this run learns from rows of kind "
            f"{dataset.kind}.",
            "Name a dataset whose rows are of the same kind.",
            "replay_of_another_kind",
        )
    ensure_split(context, other)


def _refused(what: str, fix: str, code: str) -> BadInput:
    return BadInput(what, fix=fix, code=code, param="replay_dataset")
