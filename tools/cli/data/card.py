"""`tunesmith data card`: a dataset as a folder that can be loaded, read and pushed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tools import datasets
from tools.cli.data.given import FileOrId, FormatName, Given, Mapping, given
from tools.cli.output import Json, answers, finish
from trainer.data.check import check
from trainer.data.report.folder import accepted_rows, card_folder
from trainer.data.report.readme import DatasetCard
from trainer.settings import load_settings


def register(data: typer.Typer) -> None:
    data.command("card")(card_command)


@answers
def card_command(
    file: FileOrId,
    out: Annotated[Path, typer.Option(help="A new folder.")],
    format: FormatName = None,
    mapping: Mapping = None,
    license: Annotated[str | None, typer.Option(help="For a plain file: its licence.")] = None,
    push: Annotated[str | None, typer.Option(metavar="REPO", help="Also upload it to the Hub: owner/name.")] = None,
    private: Annotated[bool, typer.Option("--private/--public", help="Who may see the pushed repository.")] = True,
    as_json: Json = False,
) -> None:
    """Write a dataset as a Hugging Face dataset folder: card, rows, findings."""
    settings = load_settings()
    if push:
        from trainer.data.report.hub import ready

        ready(push, settings)
    with given(file, format=format, mapping=mapping) as source, tempfile.TemporaryDirectory() as scratch:
        made = _card(source, license)
        card_folder(made, out, _parts(source, Path(scratch)))
    value = {"folder": str(out), "rows": made.report.accepted, "verdict": made.report.verdict.value, "url": None}
    text = f"{made.report.accepted:,} rows with their card in {out}."
    if push:
        from trainer.data.report.hub import push_folder

        value["url"] = push_folder(out, push, settings, private=private)
        text += f" Pushed to {value['url']}"
    finish(value, text, as_json=as_json)


def _card(source: Given, license: str | None) -> DatasetCard:
    if source.dataset and source.context:
        return datasets.card_of(source.context, source.dataset)
    report = check(source.path, settings=load_settings(), **source.reading)
    return DatasetCard(source.name, report, source="terminal", license=license)


def _parts(source: Given, scratch: Path) -> dict[str, Path]:
    """The split's parts where there is one, else every accepted row."""
    if source.dataset and source.context and source.dataset.split:
        blobs = source.context.services.blobs
        return {
            part: blobs.get_file(sha, scratch / f"{part}.jsonl") for part, sha in source.dataset.split["blobs"].items()
        }
    target = scratch / "train.jsonl"
    return {"train": accepted_rows(source.path, target, settings=load_settings(), **source.reading)}
