"""`tunesmith`: one console command. Each file of this folder registers its own commands."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated

import typer

from tools.cli import (
    advising,
    artifacts,
    building,
    data,
    doctor,
    hosted,
    jobs,
    judges,
    keys,
    lessons,
    polls,
    preflight,
    registry,
    serve,
    suites,
)
from tools.cli.output import say
from trainer.logs import configure_logs

app = typer.Typer(
    name="tunesmith",
    help="Chat-ops for fine-tuning language models: decide, check, train, compare, promote, serve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
ROOMS = (
    advising,
    building,
    data,
    jobs,
    hosted,
    preflight,
    polls,
    lessons,
    judges,
    registry,
    suites,
    artifacts,
    keys,
    serve,
    doctor,
)
for room in ROOMS:
    room.register(app)


def _tell_version(wanted: bool) -> None:
    if wanted:
        say(f"tunesmith {metadata.version('tunesmith')}")
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True)] = False,
) -> None:
    """Chat-ops for fine-tuning language models. Exit codes: 0 good, 1 findings or a failed gate, 2 wrong use."""


def main() -> None:
    configure_logs()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
