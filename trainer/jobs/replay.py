"""Rows of another dataset for a training job to mix in: of its train part, and none that would give away a test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.data.split.groups import prompt_key
from trainer.errors import BadInput, NotFound
from trainer.jobs.child import JobRun
from trainer.store.tables import Dataset

SEALED = ("dev", "test")


def lay_out(run: JobRun, dataset_id: str) -> tuple[Path, str]:
    """The file and what it is called. Rows whose prompt stands in the dev or test part of the run's own dataset are
    left out and counted."""
    dataset = run.services.datasets.get(dataset_id)
    blob = ((dataset.split or {}).get("blobs") or {}).get("train")
    if not blob:
        raise _gone(dataset)
    target = run.folder / "replay.jsonl"
    try:
        whole = run.services.blobs.get_file(blob, run.folder / "replay-all.jsonl")
    except NotFound:
        raise _gone(dataset) from None
    kept, left_out = _without(whole, _sealed(run), target)
    if not kept:
        raise BadInput(
            f"Every row of {dataset.filename} ({dataset.id}) has a prompt of this run's own validation or test rows.",
            fix="Choose another dataset to replay, or set replay to 0.",
            code="replay_is_test",
            param="replay_dataset",
        )
    told = f"{dataset.filename} ({dataset.id})"
    return target, f"{told}, without {left_out:,} that this run is tested with" if left_out else told


def _sealed(run: JobRun) -> set[str]:
    """The prompts that this run is judged by; they are read, and never laid out."""
    parts = (run.services.datasets.get(run.job.dataset_id).split or {}).get("blobs") or {}
    texts = (run.services.blobs.get_bytes(parts[name]).decode("utf-8") for name in SEALED if name in parts)
    return {key for text in texts for line in text.split("\n") if line.strip() and (key := _key(line))}


def _without(source: Path, keys: set[str], target: Path) -> tuple[int, int]:
    """Copy what may be learned; the numbers of rows kept and left out."""
    kept = left_out = 0
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")  # other processes of this run write the same
    with draft.open("w", encoding="utf-8") as out:
        for line in _lines(source):
            if _key(line) in keys:
                left_out += 1
                continue
            out.write(line)
            kept += 1
    draft.replace(target)
    return kept, left_out


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        yield from (line for line in lines if line.strip())


def _key(line: str) -> str:
    """The prompt of a row in the shape of its kind, or the whole of a plain text; "" for rows with neither."""
    row: dict[str, Any] = json.loads(line)
    if "text" in row:
        return prompt_key({"messages": [{"role": "user", "content": row["text"]}, {}]})
    if "messages" in row:
        return prompt_key(row)
    return prompt_key({"messages": [*row["prompt"], {}]}) if isinstance(row.get("prompt"), list) else ""


def _gone(dataset: Dataset) -> BadInput:
    return BadInput(
        f"The rows to replay, of {dataset.filename} ({dataset.id}), are gone.",
        fix="Ask for the run again with another replay_dataset, or with replay 0.",
        code="replay_gone",
        param="replay_dataset",
    )
