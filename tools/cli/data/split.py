"""`tunesmith data split`: train, dev and test, so that nothing leaks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tools import datasets, sentences
from tools.cli.data.given import FileOrId, FormatName, Mapping, given, is_file
from tools.cli.output import Json, answers, finish, opened
from trainer.data.split import split
from trainer.settings import load_settings


def register(data: typer.Typer) -> None:
    data.command("split")(split_command)


@answers
def split_command(
    file: FileOrId,
    out: Annotated[Path | None, typer.Option(help="Folder for the parts; default: <file>-split.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 17,
    dev: Annotated[float, typer.Option(min=0, max=0.9, help="Share of groups for validation.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share of groups sealed for the gate.")] = 0.2,
    group: Annotated[str, typer.Option(help="What stays together: prompt, conversation, or key:NAME.")] = "prompt",
    key: Annotated[str | None, typer.Option(help="Short for --group key:NAME, a key of the row.")] = None,
    stratify: Annotated[str | None, typer.Option(help="Same shares in every part of: answer, or key:NAME.")] = None,
    near: Annotated[bool | None, typer.Option("--near/--no-near", help="Near-duplicates stay together.")] = None,
    format: FormatName = None,
    mapping: Mapping = None,
    as_json: Json = False,
) -> None:
    """Split into train, dev and test, so that nothing leaks; the same seed gives the same split."""
    options: dict[str, Any] = {"seed": seed, "dev": dev, "test": test, "group": f"key:{key}" if key else group}
    options |= {name: value for name, value in (("stratify", stratify), ("near", near)) if value is not None}
    if not is_file(file) and out is None:
        _seal(file, options, as_json)
    with given(file, format=format, mapping=mapping) as source:
        made = split(
            source.path,
            out or Path(f"{source.path.with_suffix('')}-split"),
            settings=load_settings(),
            **source.reading,
            **options,
        )
    counts = ", ".join(f"{count:,} {name}" for name, count in made.counts.items())
    dropped = f" {made.dropped_duplicates:,} exact duplicates left out." if made.dropped_duplicates else ""
    where = made.files["train"].parent
    finish(asdict(made), f"Split with seed {seed}: {counts}, in {where}.{dropped}", as_json=as_json)


def _seal(dataset_id: str, options: dict[str, Any], as_json: bool) -> None:
    """A dataset's own split: made once, its test part sealed."""
    with opened() as context:
        row = datasets.pick_dataset(context, dataset_id)
        made = datasets.make_split(context, row, **options)
    finish({"dataset": row.id, **made}, sentences.split(row, made), as_json=as_json)
