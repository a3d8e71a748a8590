"""Findings in files: every one, as a stream, however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import msgspec

from trainer.data.card import summary
from trainer.types import CheckReport, Finding


def write_findings(findings: Iterable[Finding], path: Path) -> Path:
    """One JSON object a line, in line order."""
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        file.writelines(encode(finding) + b"\n" for finding in findings)
    return path


def read_findings(path: Path) -> Iterator[Finding]:
    decode = msgspec.json.Decoder(Finding).decode
    with path.open("rb") as file:
        yield from map(decode, file)


def write_report(report: CheckReport, sink: TextIO) -> None:
    """The whole report as one line with one JSON object; findings are written as they come, never all in memory."""
    head = _plain(report)
    sink.write(json.dumps(head, ensure_ascii=True, default=str)[:-1] + ', "findings": [')
    comma, encode, builtins = "", json.JSONEncoder().encode, msgspec.to_builtins
    for finding in report.findings:
        sink.write(comma + encode(builtins(finding)))
        comma = ", "
    sink.write("]}\n")


def _plain(report: CheckReport) -> dict[str, Any]:
    """Everything but the findings, in the order in which people ask for it."""
    told = {name: getattr(report, name) for name in CheckReport.__dataclass_fields__ if name != "findings"}
    totals = {"errors": report.errors, "warnings": report.warnings, "all_findings": len(report.findings)}
    return told | totals | {"summary": [asdict(entry) for entry in summary(report)]}
