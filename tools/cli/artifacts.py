"""`tunesmith model export | lint`: hand a trained model over."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tools import artifacts
from tools.cli.output import FINDINGS, GOOD, Json, answers, finish, opened

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model's id (ft:…), its job's id, or an alias.")]
SIGN = {"refused": "no", "flag": "with an option", "fine": "yes"}


def register(app: typer.Typer) -> None:
    room = typer.Typer(name="model", help="Hand a trained model over.", no_args_is_help=True, rich_markup_mode=None)
    room.command("export")(export)
    room.command("lint")(lint)
    app.add_typer(room)


@answers
def export(
    model: ModelName,
    out: Annotated[Path, typer.Option("--out", help="The folder (or .gguf file) to write; it must not exist.")],
    shape: Annotated[str, typer.Option("--as", help="adapter, merged or gguf.")] = "adapter",
    as_json: Json = False,
) -> None:
    """Write a model's adapter, its base with the adapter merged in (and compared), or a GGUF file."""
    with opened() as context:
        made = artifacts.export(context, model, shape, out)
    value = {"model": made.model.id, "as": made.shape, "path": str(made.path), "words": made.words}
    finish(value, f"{made.model.id} → {made.path}. {made.words}", as_json=as_json)


@answers
def lint(model: ModelName, as_json: Json = False) -> None:
    """Say whether vLLM will serve the model's adapter. Exit 1 when it will not as it is."""
    with opened() as context:
        row, notes = artifacts.lint_model(context, model)
    refused = any(note.level == "refused" for note in notes)
    lines = [f"vLLM: {SIGN[note.level]}. {note.what} {note.fix}".strip() for note in notes]
    value = {"model": row.id, "vllm": not refused, "notes": [asdict(note) for note in notes]}
    finish(value, "\n".join(lines), as_json=as_json, code=FINDINGS if refused else GOOD)
