"""What a data command is given: a file or a dataset's id, a column mapping, and a bar while it lasts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tools import datasets
from tools.cli.output import opened, progress_console
from tools.context import Context
from trainer.errors import BadInput
from trainer.store.tables import Dataset

MAPPED = ("prompt", "completion", "system")
File = Annotated[Path, typer.Argument(help="A dataset file.")]
FileOrId = Annotated[str, typer.Argument(metavar="FILE|ID", help="A dataset file, or a dataset's id (file-…).")]
DatasetId = Annotated[str, typer.Argument(metavar="ID", help="A dataset's id (file-…).")]
FormatName = Annotated[str | None, typer.Option("--format", help="Read rows as this format; see: data formats.")]
Mapping = Annotated[
    list[str] | None, typer.Option("--map", metavar="USE=COLUMN", help="For example --map prompt=question. Repeat it.")
]


@dataclass(frozen=True, slots=True)
class Given:
    """A file to look at. `dataset` and `context` where it was named by its id."""

    path: Path
    name: str
    reading: dict[str, Any]  # how its rows are read: `format` and `mapping`
    dataset: Dataset | None = None
    context: Context | None = None


@contextmanager
def given(name: str, *, format: str | None = None, mapping: list[str] | None = None) -> Iterator[Given]:
    """A plain file as it lies there, or a dataset's bytes laid out for as long as the command lasts."""
    reading = {"format": format, "mapping": mapping_of(mapping)}
    if is_file(name):
        yield Given(readable(Path(name)), Path(name).name, reading)
        return
    with opened() as context, tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        dataset = datasets.pick_dataset(context, name)
        kept = datasets.mapping_of(dataset)
        reading = {key: value or kept[key] for key, value in reading.items()}
        yield Given(datasets.source_file(context, dataset, Path(folder)), dataset.filename, reading, dataset, context)


def is_file(name: str) -> bool:
    return not name.startswith("file-") or Path(name).exists()


def readable(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"There is no file {path}.", fix="Give the path of a file.", code="no_file", param="file")
    if not os.access(path, os.R_OK):
        raise BadInput(f"{path} cannot be read.", fix="Check its rights.", code="unreadable", param="file")
    return path


def mapping_of(words: list[str] | None) -> dict[str, str] | None:
    """`["prompt=question", "completion=reply"]` as a dict. Raises BadInput for anything else."""
    if not words:
        return None
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    if len(pairs) != len(words) or not set(pairs) <= set(MAPPED) or not {"prompt", "completion"} <= set(pairs):
        raise BadInput(
            f"--map {' --map '.join(words)[:200]} does not say where prompt and completion stand.",
            fix="Write --map prompt=COLUMN --map completion=COLUMN, and --map system=COLUMN where there is one.",
            code="bad_mapping",
            param="map",
        )
    return pairs


def bar(quiet: bool, total: int, verb: str = "Checking") -> Any:
    """A context that gives `on_progress`: a bar with the time left, or None where nobody watches."""
    return nullcontext() if quiet or not progress_console.is_terminal else _Bar(total, verb)


class _Bar:
    def __init__(self, total: int, verb: str) -> None:
        columns = (TextColumn(verb), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self.progress = Progress(*columns, console=progress_console, transient=True)
        self.task = self.progress.add_task(verb, total=total)

    def __enter__(self) -> Any:
        self.progress.start()
        return lambda done, total: self.progress.update(self.task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
