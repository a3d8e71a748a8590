"""`tunesmith data …`: on a plain file with no database and no service, or on a dataset by its id."""

import typer

from tools.cli.data import card, check, fix, lists, split, tend
from tools.cli.data.app import data

__all__ = ["data", "register"]


def register(app: typer.Typer) -> None:
    for room in (check, fix, split, card, tend, lists):
        room.register(data)
    app.add_typer(data, name="data")
