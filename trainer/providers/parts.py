"""A part of a split as a provider takes it: one JSON object a line, in the format and by the rules of its target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from trainer.data.export import export
from trainer.data.formats import load_format
from trainer.data.targets import load_target
from trainer.providers.quirks import Quirks
from trainer.types import Severity

PAIRS = "openai-preference"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """`skipped`: (line, reason) of the rows that the provider would refuse."""

    rows: int
    bytes: int
    skipped: tuple[tuple[int, str], ...]


def write_part(rows: Path, out: Path, quirks: Quirks, objective: str) -> Written:
    with out.open("wb") as file:
        if objective == "dpo":
            count, skipped = _pairs(_numbered(rows), file, quirks)
        else:
            done = export(_numbered(rows), file, quirks.export, lines=True)
            count, skipped = done.rows, done.skipped
    return Written(count, out.stat().st_size, tuple(skipped))


def _numbered(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, msgspec.json.decode(line)


def _pairs(rows: Iterator[tuple[int, Row]], out: BinaryIO, quirks: Quirks) -> tuple[int, list[tuple[int, str]]]:
    reader, target = load_format(PAIRS), load_target(quirks.target)
    count, skipped = 0, []
    for number, row in rows:
        pair = _pair(row)
        problems = [p for p in reader.inspect(pair) if p.severity is Severity.ERROR] or [*target.inspect(pair, PAIRS)]
        if problems:
            skipped.append((number, problems[0].message))
            continue
        out.write(msgspec.json.encode(pair) + b"\n")
        count += 1
    return count, skipped


def _pair(row: Row) -> Row:
    """OpenAI's pair of outputs; the split holds prompt, chosen and rejected."""
    if "input" in row:
        return row
    asked: Row = {"messages": row.get("prompt")}
    if row.get("tools"):
        asked["tools"] = row["tools"]
    return {"input": asked, "preferred_output": row.get("chosen"), "non_preferred_output": row.get("rejected")}
