"""`tunesmith`: one console command. Each file of this folder registers its own commands."""

from __future__ import annotations

import sys

import typer

from tools.cli import advising, data, doctor, jobs, keys, registry, serve
from trainer.logs import configure_logs

app = typer.Typer(
    name="tunesmith",
    help="Chat-ops for fine-tuning language models: decide, check, train, compare, promote, serve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (advising, data, jobs, registry, keys, serve, doctor):
    room.register(app)


@app.callback()
def _about() -> None:
    """Exit codes: 0 good, 1 findings or a failed gate, 2 wrong use."""


def main() -> None:
    configure_logs()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
