"""`tunesmith data check`: what is wrong, line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from tools.cli.data.given import FileOrId, FormatName, Given, Mapping, bar, given, readable
from tools.cli.output import FINDINGS, GOOD, Json, answers, say
from trainer.data import card
from trainer.data.check import check
from trainer.data.report.findings import write_findings, write_report
from trainer.settings import load_settings
from trainer.types import CheckReport, Finding, Severity, Verdict

SHOWN = 20
NAMES_ONLY = ("missing_messages",)  # all that is wrong with a row whose columns have names of their own


def register(data: typer.Typer) -> None:
    data.command("check")(check_command)


@answers
def check_command(
    file: FileOrId,
    structure_only: Annotated[bool, typer.Option(help="Skip the checks of content.")] = False,
    format: FormatName = None,
    mapping: Mapping = None,
    target: Annotated[str | None, typer.Option("--for", help="Whose rules apply too: openai, mistral …")] = None,
    base: Annotated[str | None, typer.Option("--base", help="Count tokens as this base does.")] = None,
    against: Annotated[
        list[Path] | None, typer.Option("--against", help="A suite or test file that must not overlap. Repeat it.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the report as an HTML page.")] = None,
    findings: Annotated[Path | None, typer.Option("--findings", help="Write every finding as JSONL.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong in a dataset file, line by line. Exit 1 when there is something."""
    with given(file, format=format, mapping=mapping) as source, bar(as_json, source.path.stat().st_size) as update:
        found = check(
            source.path,
            settings=load_settings(),
            **source.reading,
            base=base,
            target=target,
            against=[readable(path) for path in against or ()],
            structure_only=structure_only,
            on_progress=update,
        )
    _write(found, source, report, findings)
    if as_json:
        write_report(found, sys.stdout)
        sys.stdout.flush()
    else:
        _print(found, file)
    raise typer.Exit(GOOD if found.verdict is Verdict.GOOD else FINDINGS)


def _write(found: CheckReport, source: Given, report: Path | None, findings: Path | None) -> None:
    if findings:
        write_findings(found.findings, findings)
    if report:
        from trainer.data.report.page import write_page

        write_page(found, report, title=source.name)


def _print(report: CheckReport, name: str) -> None:
    say(card.headline(report, mend=f"tunesmith data fix {name}"))
    if report.accepted:
        for label, value in card.numbers(report).items():
            say(f"  {label}: {value}")
    for finding in islice(_serious(report), SHOWN):
        where = f"line {finding.line}" if finding.line else "the file"
        say(f"  {where}  {finding.severity.value}  {finding.code}: {finding.message}")
    summary = card.summary(report)
    quiet = sum(entry.count for entry in summary if entry.code in _quiet(report))
    left = report.errors + report.warnings - quiet - SHOWN
    for entry in summary:
        if left > 0 or entry.code in _quiet(report):
            say(f"  {entry}")
    if left > 0:
        say(f"  … {left:,} more; --json, --findings and --report tell every one.")
    if report.mapping and not report.accepted:
        words = " ".join(f"--map {use}={column}" for use, column in report.mapping.items())
        say(f"  If that is right: tunesmith data check {name} {words}")
    elif card.has_columns(report):
        say(f"  Say which is which: tunesmith data check {name} --map prompt=COLUMN --map completion=COLUMN")


def _serious(report: CheckReport) -> Iterator[Finding]:
    """What is listed line by line: where the columns' names are the trouble, not that once more for every row."""
    quiet = _quiet(report)
    return (f for f in report.findings if f.severity is not Severity.INFO and f.code not in quiet)


def _quiet(report: CheckReport) -> tuple[str, ...]:
    return NAMES_ONLY if report.mapping else ()
