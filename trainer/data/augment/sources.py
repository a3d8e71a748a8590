"""Which rows are asked about. Of a dataset that is split, only those of its train part: what is made of a sealed
row would teach the model the test."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.data.augment.prompts import plain_enough
from trainer.data.builder import content_key, errors, exchange
from trainer.data.check import reading
from trainer.errors import BadInput
from trainer.settings import Settings

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """`rows` with their line numbers, in file order; and why others are not asked about, with counts."""

    rows: list[tuple[int, Row]]
    left_out: dict[str, int] = field(default_factory=dict)


def chat_rows(
    path: Path, *, settings: Settings, format: str | None = None, mapping: Mapping[str, str] | None = None
) -> Iterator[tuple[int, Row]]:
    """The accepted rows of a dataset as OpenAI chat, with their lines. BadInput where they hold no answers."""
    with reading(path, settings=settings, format=format, mapping=mapping) as (known, parts):
        for part in parts:
            for number, row in zip(part.numbers, part.rows, strict=True):
                made = known.chat(row)
                if made is None:
                    raise BadInput(
                        f"{known.title} rows hold no questions with answers.",
                        fix="Choose a dataset of conversations, prompts with answers or instructions.",
                        code="not_supervised",
                    )
                yield number, made


def choose(kind: str, rows: Iterator[tuple[int, Row]], *, train: frozenset[bytes] | None, most: int | None) -> Asked:
    """The rows to ask about; with `most`, that many, chosen by their content and so the same ones each time."""
    left_out: Counter[str] = Counter()
    seen: set[bytes] = set()
    found: list[tuple[bytes, int, Row]] = []
    for number, row in rows:
        key = content_key(row)
        why = _why_not(kind, row, key, train, seen)
        if why:
            left_out[why] += 1
        else:
            seen.add(key)
            found.append((key, number, row))
    if most is not None and most < len(found):
        left_out["more than were asked for"] += len(found) - most
        found = sorted(found, key=lambda f: f[0])[:most]
    return Asked(sorted(((n, row) for _, n, row in found), key=lambda f: f[0]), dict(left_out))


def _why_not(kind: str, row: Row, key: bytes, train: frozenset[bytes] | None, seen: set[bytes]) -> str:
    if train is not None and key not in train:
        return "sealed in dev or test"
    if key in seen:
        return "copies of another row"
    if (row.get("metadata") or {}).get("synthetic") == "true":
        return "synthetic already"
    return plain_enough(kind, row)


def read_prompts(path: Path, system: str = "") -> Iterator[tuple[int, Row]]:
    """A file of prompts: a text a line, or JSON with `prompt` or with `messages` that end in a question."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8 text.", fix="Save it as UTF-8.", code="not_utf8") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _prompt(line.strip(), number, system)


def _prompt(line: str, number: int, system: str) -> Row:
    value: Any = line
    if line.startswith("{"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise BadInput(f"Line {number} is no JSON.", fix="Write a prompt a line.", code="invalid_json") from None
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        row: Row = {"messages": value["messages"]}
    else:
        asked = value.get("prompt") if isinstance(value, dict) else value
        row = {"messages": exchange(asked if isinstance(asked, str) else "", "-", system)[:-1]}
    answered = {"messages": [*row["messages"], {"role": "assistant", "content": "-"}]}
    problems = [] if row["messages"] and _asks(row["messages"][-1]) else ["it ends in no question"]
    problems += [problem.message for problem in errors(answered)]
    if problems:
        raise BadInput(
            f"Line {number} is no prompt: {problems[0]}", fix="Correct it; nothing was asked.", code="no_prompt"
        )
    return row


def _asks(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "user"


def mark_group(row: Row) -> str:
    """Names the row that others were made of, so that a split can keep them together."""
    return hashlib.blake2b(content_key(row), digest_size=8).hexdigest()
