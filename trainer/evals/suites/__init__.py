"""Suites: cases with a known right answer, read from chat JSONL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.data.canonical import canonical
from trainer.data.check import check, rows
from trainer.data.formats.openai_chat import text_of
from trainer.data.split import prompt_key
from trainer.errors import BadInput
from trainer.types import ChatMessage, Severity


@dataclass(frozen=True, slots=True)
class Case:
    """One question and its right answer. `slice` names the group it is reported under, "" for none."""

    id: str
    messages: tuple[ChatMessage, ...]
    expected: str
    slice: str = ""

    @property
    def key(self) -> str:
        """What makes two prompts the same one, for the split and against contamination."""
        said: list[dict[str, Any]] = [{"content": message.content} for message in self.messages]
        return prompt_key({"messages": [*said, {}]})


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one file. `skipped` are the lines in which tools take part: not scored yet."""

    name: str
    sha256: str
    cases: tuple[Case, ...]
    skipped: tuple[int, ...] = ()


def load_suite(path: Path) -> Suite:
    """Read a suite from rows of OpenAI chat: the last assistant message is the expected answer, and
    `metadata.task`, where given, is the slice. Raises BadInput for an empty file or any broken row."""
    path = Path(path)
    report = check(path, structure_only=True)
    for finding in report.findings:
        if finding.severity is Severity.ERROR and finding.code != "too_few_rows":
            where = f"line {finding.line} of {path.name}" if finding.line else path.name
            said = f"The suite has {report.errors} errors; the first, {where}: {finding.message}"
            raise BadInput(said, fix="A suite is scored whole or not at all: correct it.", code=finding.code)
    cases, skipped = cases_of(rows(path))
    if not cases:
        raise BadInput(f"The suite {path.name} has no case with a text answer.", fix="Give at least one.")
    return Suite(path.stem, hashlib.sha256(path.read_bytes()).hexdigest(), cases, skipped)


def cases_of(numbered: Iterable[tuple[int, dict[str, Any]]]) -> tuple[tuple[Case, ...], tuple[int, ...]]:
    """Cases from (line, row) pairs, and the lines that have none because tools take part."""
    cases: list[Case] = []
    skipped: list[int] = []
    for line, row in numbered:
        if any(m.get("tool_calls") or m.get("function_call") for m in row["messages"]):
            skipped.append(line)
        else:
            cases.append(_case(line, row))
    return tuple(cases), tuple(skipped)


def _case(line: int, row: dict[str, Any]) -> Case:
    digest = hashlib.blake2b(canonical(row), digest_size=4).hexdigest()
    messages = tuple(ChatMessage(m["role"], text_of(m)) for m in row["messages"])
    task = row.get("metadata", {}).get("task", "")
    return Case(f"{line}-{digest}", messages[:-1], messages[-1].content, task)


def overlap(cases: Sequence[Case], train_prompts: Set[str]) -> tuple[Case, ...]:
    """The cases whose prompt is in the training data too."""
    return tuple(case for case in cases if case.key in train_prompts)
