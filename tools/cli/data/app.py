"""The `tunesmith data` group; its commands stand beside it, a file each."""

from __future__ import annotations

import typer

data = typer.Typer(no_args_is_help=True, help="Check, mend, split and describe datasets.", rich_markup_mode=None)
