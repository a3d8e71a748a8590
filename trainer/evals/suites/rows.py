"""Suites of dataset rows: chat, or rows that prefer one answer to another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trainer.data.canonical import canonical
from trainer.data.check import check, rows
from trainer.data.formats import load_format
from trainer.data.formats.openai_chat import text_of
from trainer.data.kinds import HOLDS
from trainer.data.split.shapes import shaped, talk
from trainer.errors import BadInput
from trainer.evals.case import Case, Role, Suite
from trainer.evals.suites.slices import Told, group_of, slices
from trainer.types import ChatMessage, Severity

OPENAI_CHAT = "openai-chat"  # as cases are read; other formats of conversations become it first
ASKED = ("chat", "preference", "unpaired")
HARD = {
    "preference": "The right answer of a row is its better answer, word for word: that is a hard yardstick for a model "
    "trained on preferences, so read the answers too.",
    "unpaired": "The right answer of a row is its good answer, word for word: that is a hard yardstick for a model "
    "trained on good and bad ones, so read the answers too.",
}
Row = dict[str, Any]


def suite_of_rows(path: Path, name: str = "", role: Role = Role.TEST) -> Suite:
    """Read a suite from rows with answers: the last assistant message is the expected one (of a pair the better
    answer's, of rated answers the good ones'). Raises BadInput for an empty file, any broken row, and rows that hold
    no answers."""
    path = Path(path)
    report = check(path, structure_only=True)
    if report.kind and report.kind not in ASKED:
        raise BadInput(
            f"{path.name} holds {HOLDS.get(report.kind, report.kind)}: there is no right answer to compare with.",
            fix="Evaluate on rows with a prompt and an answer. How well texts were learned, the validation loss tells.",
            code="no_answers",
        )
    for finding in report.findings:
        if finding.severity is Severity.ERROR and finding.code != "too_few_rows":
            where = f"line {finding.line} of {path.name}" if finding.line else path.name
            said = f"The suite has {report.errors} errors; the first, {where}: {finding.message}"
            raise BadInput(said, fix="A suite is scored whole or not at all: correct it.", code=finding.code)
    found, bad = _talks(path, report.format)
    cases, skipped = cases_of(found)
    if not cases:
        raise BadInput(
            f"The suite {path.name} has no case with a text answer.", fix="Give at least one.", code="empty_suite"
        )
    notes = [HARD[report.kind]] if report.kind in HARD else []
    notes += [f"{bad} test rows marked bad were not asked."] if bad else []
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Suite(name or path.stem, sha256, cases, role=role, skipped=skipped, notes=tuple(notes))


def _talks(path: Path, format: str) -> tuple[list[tuple[int, Row]], int]:
    """The rows as conversations with their lines, and how many answers marked bad were left out."""
    if format in ("", OPENAI_CHAT):
        return list(rows(path)), 0
    read = [(line, shaped(load_format(format), row)) for line, row in rows(path)]
    if load_format(format).kind == "chat":
        return [(line, row) for line, row in read if "messages" in row], 0
    good = [(line, row) for line, row in read if row.get("label", True)]
    return [(line, told) for line, row in good if (told := talk(row))], len(read) - len(good)


def cases_of(numbered: Iterable[tuple[int, Row]]) -> tuple[tuple[Case, ...], tuple[int, ...]]:
    """Cases from (line, row) pairs, and the lines that have none because tools take part or nothing is asked."""
    asked: list[tuple[int, Row]] = []
    skipped: list[int] = []
    for line, row in numbered:
        calls = any(m.get("tool_calls") or m.get("function_call") for m in row["messages"])
        if calls or len(row["messages"]) < 2:
            skipped.append(line)
        else:
            asked.append((line, row))
    said = [tuple(ChatMessage(m["role"], text_of(m)) for m in row["messages"]) for _, row in asked]
    told = [_told(row, messages) for (_, row), messages in zip(asked, said, strict=True)]
    cases = tuple(
        Case(f"{line}-{_digest(row)}", messages[:-1], messages[-1].content, of, group=group_of(about.metadata))
        for (line, row), messages, about, of in zip(asked, said, told, slices(told), strict=True)
    )
    return cases, tuple(skipped)


def _told(row: Row, messages: tuple[ChatMessage, ...]) -> Told:
    metadata = row.get("metadata")
    length = sum(len(message.content) for message in messages[:-1])
    return Told(messages[-2].content, length, messages[-1].content, metadata if isinstance(metadata, dict) else {})


def _digest(row: Row) -> str:
    return hashlib.blake2b(canonical(row), digest_size=4).hexdigest()
