"""Add examples to a dataset, import a chat log, hand a dataset out in another format: always a new version."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.context import Context
from tools.datasets import Checked, keep, mapping_of, pick_dataset, source_file
from trainer.data.augment.sources import chat_rows
from trainer.data.builder import Added, DatasetBuilder
from trainer.data.logs_import import Imported, import_logs
from trainer.errors import BadInput
from trainer.store.tables import Dataset

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Built:
    """The new version, and what became of the rows that were given."""

    checked: Checked
    added: Added
    parent: Dataset | None

    @property
    def dataset(self) -> Dataset:
        assert self.checked.dataset is not None
        return self.checked.dataset


def add_example(
    context: Context, dataset_id: str | None, user: str, assistant: str, *, system: str = "", name: str = ""
) -> Built:
    """One more example in the next version of a dataset, or the first of a new one (`dataset_id` None)."""
    one = DatasetBuilder()
    one.add_example(user, assistant, system=system)
    return add_rows(context, dataset_id, one.rows, source="manual", name=name)


def add_rows(
    context: Context,
    dataset_id: str | None,
    rows: Iterable[Row],
    *,
    source: str,
    name: str = "",
    change: dict[str, Any] | None = None,
) -> Built:
    """OpenAI chat rows in the next version of a dataset, or in a new one. BadInput where nothing is new."""
    parent = pick_dataset(context, dataset_id) if dataset_id else None
    builder = DatasetBuilder()
    added = builder.add_rows(rows, source=source)
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        old = rows_of(context, parent, Path(folder)) if parent else []
        fresh = new_rows(old, builder.rows)
        added = Added(len(fresh), added.duplicates + added.added - len(fresh), added.refused)
        if not fresh:
            raise _nothing_new(added)
        path = write(Path(folder) / "built.jsonl", [*old, *fresh])
        made: dict[str, Any] = {"kind": "build", "source": source, "added": added.added}
        made |= {"duplicates": added.duplicates, "refused": added.given - added.added - added.duplicates}
        filename = f"{Path(parent.filename).stem}.jsonl" if parent else name or f"{source}-examples.jsonl"
        checked = keep(
            context,
            path,
            filename=filename,
            parent=parent,
            change=made | (change or {}),
            source="" if parent else source,
        )
    return Built(checked, added, parent)


def new_rows(old: Iterable[Row], given: Iterable[Row]) -> list[Row]:
    """Those that are no copy of an old one."""
    known = DatasetBuilder(old)
    before = len(known)
    for row in given:
        known.add_rows([row])
    return known.rows[before:]


def _nothing_new(added: Added) -> BadInput:
    if added.refused:
        return BadInput(added.refused[0].message, fix="Nothing was added.", code=added.refused[0].code)
    return BadInput(
        "That example is in the dataset already; nothing was added.", fix="Add another one.", code="duplicate_row"
    )


def rows_of(context: Context, dataset: Dataset, folder: Path) -> list[Row]:
    """The dataset's accepted rows as OpenAI chat."""
    path = source_file(context, dataset, folder)
    return [row for _, row in chat_rows(path, settings=context.services.settings, **mapping_of(dataset))]


def write(path: Path, rows: Iterable[Row]) -> Path:
    """Rows as they are: what stood twice in a parent stands twice in its child."""
    import msgspec

    encode = msgspec.json.Encoder().encode
    with path.open("wb") as out:
        out.writelines(encode(row) + b"\n" for row in rows)
    return path


def import_log(
    context: Context,
    path: Path,
    *,
    assistants: Collection[str] = (),
    system: str = "",
    redact: bool = False,
    dataset_id: str | None = None,
) -> tuple[Imported, Built]:
    """A chat log as a dataset, or as more rows of one. BadInput where nobody answers in it."""
    log = import_logs(path, assistants=assistants, system=system, redact=redact)
    if not log.rows:
        why = ", ".join(f"{number:,} × {reason}" for reason, number in log.left_out.items())
        raise BadInput(
            f"No conversation of {path.name} holds a question with an answer ({why}).",
            fix="Say whose words are the answers (--assistant NAME).",
            code="no_answers",
        )
    change = {"log": log.shape, "assistants": list(log.assistants)[:20], "redacted": log.redacted}
    change |= {"conversations": log.conversations, "left_out": log.left_out, "turns_cut": log.turns_cut}
    name = f"{path.stem}-log.jsonl"
    return log, add_rows(context, dataset_id, log.rows, source="log", name=name, change=change)


def export_dataset(context: Context, dataset_id: str | None, out: Path, format: str = "openai") -> Any:
    """Write a dataset's rows in another format; what that format cannot hold is in the result's `skipped`."""
    dataset = pick_dataset(context, dataset_id)
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        builder = DatasetBuilder()
        builder.rows = rows_of(context, dataset, Path(folder))
        return builder.export(out, format)
