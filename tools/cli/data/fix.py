"""`tunesmith data fix | map`: what is safe to mend, beside the file as it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tools import datasets
from tools.cli.data import lists
from tools.cli.data.given import DatasetId, FormatName, Mapping, bar, given, is_file, mapping_of
from tools.cli.output import Json, answers, finish, opened
from trainer.errors import BadInput
from trainer.settings import load_settings

SAMPLE = 5


def register(data: typer.Typer) -> None:
    data.command("fix")(fix_command)
    data.command("map")(map_command)


@answers
def fix_command(
    file: Annotated[str | None, typer.Argument(metavar="FILE|ID", help="A file, or a dataset's id.")] = None,
    only: Annotated[str | None, typer.Option(help="Names of fixes, with commas; default: all safe ones.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for a file's result; default: <file>-fixed.")] = None,
    format: FormatName = None,
    mapping: Mapping = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the fixes and do nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Mend what is safe to mend. The file stays as it is; a dataset gets a new version."""
    if list_them:
        lists.fixes(as_json=as_json)
    if file is None:
        raise BadInput("Which file?", fix="tunesmith data fix FILE", code="no_file", param="file")
    wanted = [name.strip() for name in only.split(",") if name.strip()] if only else None
    if is_file(file):
        _fix_file(file, wanted, out, format, mapping, as_json)
    with opened() as context:
        made = datasets.fix(context, file, wanted)
    text = f"{made.dataset.id} is version {made.dataset.version}; {made.parent.id} stays as it was."
    _finish(
        {"dataset": made.dataset.id, "parent": made.parent.id, "version": made.dataset.version},
        [text],
        made.applied,
        made.quarantined,
        made.sample,
        as_json,
    )


def _fix_file(
    file: str, only: list[str] | None, out: Path | None, format: str | None, mapping: list[str] | None, as_json: bool
) -> None:
    from trainer.data.fix import fix

    with (
        given(file, format=format, mapping=mapping) as source,
        bar(as_json, source.path.stat().st_size, "Mending") as b,
    ):
        folder = out or source.path.with_name(f"{source.path.name.split('.')[0]}-fixed")
        made = fix(source.path, folder, settings=load_settings(), only=only, **source.reading, on_progress=b)
    value = {
        "file": str(made.file),
        "rows": made.rows,
        "quarantine": _said(made.quarantine),
        "changes": _said(made.changes),
    }
    lines = [f"{made.rows:,} rows in {made.file}."]
    if made.quarantined:
        lines.append(f"{made.quarantined:,} rows need a person: {made.quarantine}.")
    _finish(value, lines, made.applied, made.quarantined, datasets.shown(made.sample), as_json)


def _said(path: Path | None) -> str | None:
    return str(path) if path else None


def _finish(
    value: dict[str, Any],
    lines: Iterable[str],
    applied: dict[str, int],
    quarantined: int,
    sample: Sequence[Any],
    as_json: bool,
) -> None:
    value |= {"applied": dict(applied), "quarantined": quarantined, "sample": [str(change) for change in sample]}
    told = ", ".join(f"{name} {count:,}" for name, count in applied.items()) or "nothing"
    finish(value, "\n".join([f"Mended: {told}.", *lines, *map(str, sample[:SAMPLE])]), as_json=as_json)


@answers
def map_command(
    dataset: DatasetId,
    mapping: Annotated[list[str], typer.Option("--map", metavar="USE=COLUMN", help="prompt=question …")],
    as_json: Json = False,
) -> None:
    """Say which columns are prompt and completion; the dataset gets a new version that is read so."""
    with opened() as context:
        made = datasets.map_columns(context, dataset, mapping_of(mapping) or {})
    value = {"dataset": made.dataset.id, "parent": made.parent.id, "version": made.dataset.version}
    value |= {"rows": made.report.rows, "accepted": made.report.accepted}
    text = f"{made.dataset.id}: {made.report.accepted:,} of {made.report.rows:,} rows can be used."
    finish(value, text, as_json=as_json)
