"""`tunesmith suite list | show | check | add | make | import | export`: what models are evaluated on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tools import suites as verbs
from tools.cli.output import Json, answers, finish, opened, progress_console
from trainer.errors import BadInput
from trainer.evals.case import Suite
from trainer.evals.suites.dump import rows
from trainer.evals.suites.foreign import SOURCES, take

FileArg = Annotated[Path, typer.Argument(metavar="FILE", help="A suite as YAML, or rows as JSONL.")]
NameArg = Annotated[str, typer.Argument(metavar="NAME", help="A suite's name, or NAME@2 for a version.")]
Out = Annotated[Path, typer.Option("--out", help="The file to write; nothing is overwritten.")]
As = Annotated[str, typer.Option("--name", help="What the suite is called.")]
WAYS = ("promptfoo", "jsonl")
TOLD = 20  # of what was left out

suite = typer.Typer(no_args_is_help=True, help="Suites that models are evaluated on.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    suite.command("list")(list_command)
    suite.command("show")(show)
    suite.command("check")(check)
    suite.command("add")(add)
    suite.command("make")(make)
    suite.command("import")(import_command)
    suite.command("export")(export)
    app.add_typer(suite, name="suite")


@answers
def list_command(as_json: Json = False) -> None:
    """List the team's suites and the shipped ones."""
    with opened() as context:
        found = verbs.list_suites(context)
    value = [{"name": s.name, "version": s.version, "role": s.role, "cases": s.cases} for s in found]
    finish({"suites": value}, verbs.listed(found), as_json=as_json)


@answers
def show(name: NameArg, as_json: Json = False) -> None:
    """Show what a suite asks."""
    with opened() as context:
        found = verbs.show(context, name)
    value = _shape(found.suite, found.defaults) | {"version": found.version}
    finish(value, verbs.told(found.suite, found.defaults, found.version), as_json=as_json)


@answers
def check(file: FileArg, as_json: Json = False) -> None:
    """Check a suite's file: every mistake by its place. Exit 2 when there is one."""
    found = verbs.check_file(file)
    text = f"Good. {verbs.told(found.suite, found.rule)}"
    finish(_shape(found.suite, found.rule), text, as_json=as_json)


@answers
def add(
    file: FileArg,
    name: As = "",
    over: Annotated[bool, typer.Option("--over", help="Let it stand in for the shipped suite of its name.")] = False,
    as_json: Json = False,
) -> None:
    """Keep a suite for the team: a new version of its name."""
    with opened() as context:
        made = verbs.add_file(context, file, name=name, over=over)
    row = made.row
    value = {"name": row.name, "version": row.version, "cases": row.cases, "sha256": row.sha256, "new": made.new}
    value |= {"files": dict(made.written.suite.files)} if made.written.suite.files else {}
    finish(value, verbs.added(made), as_json=as_json)


@answers
def make(
    file: FileArg,
    base: Annotated[str, typer.Option("--base", help="The base model whose skills are to be kept.")],
    out: Out,
    metric: Annotated[str, typer.Option("--metric", help="What tells whether an answer is right.")] = "exact_match",
    name: As = "",
    max_tokens: Annotated[int, typer.Option(help="At most so many tokens an answer.", min=1, max=4096)] = 256,
    as_json: Json = False,
) -> None:
    """Make a regression suite of what a base answers rightly today. Runs the model here."""
    if out.exists():
        raise BadInput(f"{out.name} is there already.", fix="Give another --out.", code="file_exists", param="out")
    with opened() as context:
        made = verbs.make(
            context,
            file,
            base,
            primary=metric,
            name=name,
            max_tokens=max_tokens,
            on_progress=None if as_json else _progress(),
        )
    verbs.write_new(out, made.text)
    value = {"out": str(out), "asked": made.asked, "right": made.right, "cases": made.kept}
    share = f"{made.right:,} of {made.asked:,} cases are right today"
    kept = "" if made.kept == made.right else f", and {made.kept:,} of them were kept"
    finish(value, f"Wrote {out}: {share}{kept}.", as_json=as_json)


@answers
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A configuration or log of another tool.")],
    out: Out,
    source: Annotated[str, typer.Option("--from", help=f"{', '.join(SOURCES)}; else by the file's ending.")] = "",
    name: As = "",
    as_json: Json = False,
) -> None:
    """Make a suite of promptfoo's configuration, or of a log of lm-eval or inspect_ai."""
    made = take(file, source, name)
    verbs.write_new(out, made.text)
    text = _with_left(f"Wrote {out}: {verbs.plural(made.cases)}.", "Left out", made.left)
    finish({"out": str(out), "cases": made.cases, "left_out": list(made.left)}, text, as_json=as_json)


@answers
def export(
    name: NameArg,
    out: Out,
    to: Annotated[str, typer.Option("--to", help=f"{' or '.join(WAYS)}.")] = "promptfoo",
    as_json: Json = False,
) -> None:
    """Write a suite as promptfoo's configuration, or as chat rows."""
    if to not in WAYS:
        raise BadInput(f"There is no way {to!r}.", fix=f"Known: {', '.join(WAYS)}.", code="unknown_way", param="to")
    with opened() as context:
        found = verbs.show(context, name).suite
    text, left = _exported(found, to)
    verbs.write_new(out, text)
    said = _with_left(f"Wrote {out}.", "Left out", left)
    finish({"out": str(out), "left_out": list(left)}, said, as_json=as_json)


def _exported(found: Suite, to: str) -> tuple[str, tuple[str, ...]]:
    if to == "promptfoo":
        from trainer.evals.suites.foreign.export import to_promptfoo

        return to_promptfoo(found)
    text, without = rows(found)
    return text, (f"{verbs.plural(without)} without an expected answer.",) if without else ()


def _with_left(text: str, head: str, left: tuple[str, ...]) -> str:
    if not left:
        return text
    more = [f"  … and {len(left) - TOLD} more"] if len(left) > TOLD else []
    return "\n".join([text, f"{head}:", *(f"  {line}" for line in left[:TOLD]), *more])


def _shape(found: Suite, rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": found.name,
        "role": found.role.value,
        "about": found.about,
        "cases": len(found.cases),
        "primary": found.primary,
        "metrics": [metric.metric for metric in found.metrics],
        "rule": rule,
        "slices": verbs.slices(found),
        "sha256": found.sha256,
    }


def _progress() -> verbs.Progress:
    """A line at most every two seconds."""
    told = [time.monotonic()]

    def tell(done: int, total: int) -> None:
        if time.monotonic() - told[0] >= 2:
            told[0] = time.monotonic()
            progress_console.print(f"{done:,} of {total:,} answered")

    return tell
