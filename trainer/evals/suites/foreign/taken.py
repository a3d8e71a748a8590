"""What every import gives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import Case, Check, Suite
from trainer.evals.suites.dump import dump
from trainer.evals.suites.written import CASES, case_of_hash, read_suite
from trainer.types import ChatMessage

MOST_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """The suite as YAML, how many cases it has, and what was left behind: `place: what and why`."""

    text: str
    cases: int
    left: tuple[str, ...] = ()


def taken(suite: Suite, left: Iterable[str], what: str) -> Taken:
    """The import, read back once, so that nothing is written that cannot be used. The same prompt is asked once."""
    notes = list(left)
    cases: dict[str, Case] = {}
    for case in suite.cases:
        if case.key in cases:
            notes.append(f"{case.id or 'a case'}: asks the same as a case before it; only the first was imported.")
        else:
            cases[case.key] = case
    kept = unique(list(cases.values()))
    if len(kept) > CASES:
        notes.append(f"{len(kept) - CASES:,} cases beyond the first {CASES:,} were not imported.")
    if not kept:
        why = " ".join(f"({note})" for note in notes[:3])
        said = f"{what} has no case that can be imported. {why}".strip()
        raise BadInput(said, fix="Write the suite by hand; docs/evaluation.md shows how.", code="empty_suite")
    made = Suite(suite.name, "", tuple(kept[:CASES]), suite.role, suite.primary, suite.metrics, suite.about)
    text = dump(made)
    read_suite(text.encode("utf-8", "replace"), suite.name)
    return Taken(text, len(made.cases), tuple(notes))


def unique(cases: list[Case]) -> list[Case]:
    """Each with an id of its own; where ids are missing or repeat, they are made of the content."""
    ids = [case.id for case in cases]
    sound = all(ids) and len(set(ids)) == len(ids)
    return cases if sound else [case_of_hash(case) for case in cases]


def no_json(data: bytes, what: str, tool: str) -> Any:
    """The one JSON document."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise BadInput(f"{what} is no JSON log of {tool}.", fix="Check the file.", code="bad_log") from None


def messages_of(value: Any) -> tuple[ChatMessage, ...] | None:
    """Chat messages with texts, the last one the user's; None for anything else."""
    if isinstance(value, str):
        return (ChatMessage("user", value),) if value.strip() else None
    if not isinstance(value, list) or not value:
        return None
    made = [_message(turn) for turn in value]
    if any(turn is None for turn in made) or made[-1] is None or made[-1].role != "user":
        return None
    return tuple(turn for turn in made if turn is not None)


def _message(turn: Any) -> ChatMessage | None:
    if not isinstance(turn, dict) or turn.get("role") not in ("system", "developer", "user", "assistant"):
        return None
    content = turn.get("content")
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        content = "\n".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str) or turn.get("tool_calls"):
        return None
    return ChatMessage(turn["role"], content)


def check(metric: str, **arguments: Any) -> Check:
    return Check(metric, arguments)
