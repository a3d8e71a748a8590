"""`tunesmith doctor`: is this installation well, and what to do where it is not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tools.cli.output import FINDINGS, GOOD, Json, answers, finish
from tools.ops.checks import Check, Level, examine
from trainer.services import build_services
from trainer.settings import load_settings


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


@answers
def doctor(
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring the database's schema up first.")] = False,
    as_json: Json = False,
) -> None:
    """Check this installation, one line a finding. Exit 1 when something fails; warnings alone exit 0."""
    with build_services(load_settings(), migrate=migrate) as services:
        checks = list(examine(services))
    failed = [c for c in checks if c.level is Level.FAIL]
    warned = [c for c in checks if c.level is Level.WARN]
    verdict = "fail" if failed else "warn" if warned else "ok"
    summary = f"{len(checks)} checks: {len(failed)} failed, {len(warned)} with a warning."
    text = "\n".join([*(_line(c) for c in checks), summary])
    value = {"verdict": verdict, "checks": [asdict(c) for c in checks]}
    finish(value, text, as_json=as_json, code=FINDINGS if failed else GOOD)


def _line(check: Check) -> str:
    line = f"{check.level.value:<5} {check.name:<15} {check.text}"
    return f"{line.rstrip('.')}. → {check.fix}" if check.fix else line
