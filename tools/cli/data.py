"""`tunesmith data check | split`: on a file, with no database and no service."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tools.cli.output import FINDINGS, GOOD, Json, answers, emit, finish, progress_console, say
from trainer.data import card
from trainer.data.check import check
from trainer.data.split import split
from trainer.errors import BadInput
from trainer.settings import load_settings
from trainer.types import CheckReport, Severity, Verdict

SHOWN = 20
File = Annotated[Path, typer.Argument(help="An OpenAI chat JSONL file.")]

data = typer.Typer(no_args_is_help=True, help="Check and split dataset files.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    app.add_typer(data, name="data")


@data.command("check")
@answers
def check_command(
    file: File,
    structure_only: Annotated[bool, typer.Option(help="Skip the checks of content.")] = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong in a dataset file, line by line. Exit 1 when there is something."""
    path = readable(file)
    with _bar(as_json, os.path.getsize(path)) as update:  # noqa: PTH202
        report = check(path, settings=load_settings(), structure_only=structure_only, on_progress=update)
    code = GOOD if report.verdict is Verdict.GOOD else FINDINGS
    if as_json:
        emit(as_dict(report))
    else:
        _print(report)
    raise typer.Exit(code)


@data.command("split")
@answers
def split_command(
    file: File,
    out: Annotated[Path | None, typer.Option(help="Folder for the parts; default: <file>-split.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 17,
    dev: Annotated[float, typer.Option(min=0, max=0.9, help="Share of prompts for validation.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share of prompts sealed for the gate.")] = 0.2,
    as_json: Json = False,
) -> None:
    """Split by prompt into train, dev and test, so that nothing leaks; the same seed gives the same split."""
    path = readable(file)
    made = split(path, out or path.with_name(f"{path.stem}-split"), seed=seed, dev=dev, test=test)
    counts = ", ".join(f"{count:,} {name}" for name, count in made.counts.items())
    dropped = f" {made.dropped_duplicates:,} exact duplicates left out." if made.dropped_duplicates else ""
    where = made.files["train"].parent
    finish(asdict(made), f"Split with seed {seed}: {counts}, in {where}.{dropped}", as_json=as_json)


def readable(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"There is no file {path}.", fix="Give the path of a JSONL file.", code="no_file", param="file")
    if not os.access(path, os.R_OK):
        raise BadInput(f"{path} cannot be read.", fix="Check its rights.", code="unreadable", param="file")
    return path


def as_dict(report: CheckReport) -> dict[str, Any]:
    return report.to_dict() | {"errors": report.errors, "warnings": report.warnings}


def _print(report: CheckReport) -> None:
    say(card.headline(report))
    serious = [f for f in report.findings if f.severity is not Severity.INFO]
    for finding in serious[:SHOWN]:
        say(f"  line {finding.line}  {finding.severity.value}  {finding.code}: {finding.message}")
    if len(serious) > SHOWN:
        say(f"  … and {len(serious) - SHOWN:,} more; --json prints every one.")


def _bar(quiet: bool, total: int) -> Any:
    return nullcontext() if quiet or not progress_console.is_terminal else _Bar(total)


class _Bar:
    def __init__(self, total: int) -> None:
        columns = (TextColumn("Checking"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self.progress = Progress(*columns, console=progress_console, transient=True)
        self.task = self.progress.add_task("check", total=total)

    def __enter__(self) -> Any:
        self.progress.start()
        return lambda done, total: self.progress.update(self.task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
