"""`tunesmith data formats | fixes | codes`: what the data desk knows."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tools.cli.output import Json, answers, finish
from trainer.data.findings import CODES
from trainer.data.formats import FORMATS, load_format


def register(data: typer.Typer) -> None:
    data.command("formats")(formats)
    data.command("fixes")(fixes)
    data.command("codes")(codes)


@answers
def formats(as_json: Json = False) -> None:
    """List the formats that are understood, in the order in which a row is tried."""
    known = [load_format(name) for name in FORMATS]
    value = {"formats": [{"name": f.name, "title": f.title, "kind": f.kind} for f in known]}
    finish(value, "\n".join(f"{f.name}  {f.title} ({f.kind})" for f in known), as_json=as_json)


@answers
def fixes(as_json: Json = False) -> None:
    """List the fixes and what each does."""
    from trainer.data.fix import FIXES

    told = {name: about(entry) for name, entry in FIXES.items()}
    value = {"fixes": [{"name": name, "does": does} for name, does in told.items()]}
    finish(value, "\n".join(f"{name}  {does}" for name, does in told.items()), as_json=as_json)


def about(entry: Any) -> str:
    return str(getattr(entry, "about", None) or getattr(entry, "title", None) or entry)


@answers
def codes(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table of docs/data.md.")] = False,
    as_json: Json = False,
) -> None:
    """List every kind of finding: severity, meaning, what would be right, which fix mends it."""
    if markdown:
        finish({}, table(), as_json=False)
    value = {
        "codes": [
            {"code": code, "severity": c.severity.value, "meaning": c.meaning, "expected": c.expected, "fix": c.fix}
            for code, c in CODES.items()
        ]
    }
    finish(value, "\n".join(f"{code}  {c.severity.value}  {c.meaning}" for code, c in CODES.items()), as_json=as_json)


def table() -> str:
    """Every code as a Markdown table, in the order of CODES."""
    rows = (f"| `{code}` | {c.severity.value} | {c.meaning} | {_fix(c.fix)} |" for code, c in CODES.items())
    return "\n".join(["| Code | Severity | Meaning | Fix |", "| --- | --- | --- | --- |", *rows])


def _fix(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", ")) if names else ""
