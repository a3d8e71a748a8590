"""The groups that a dataset's rows are reported under, and which rows hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trainer.data.language import UNKNOWN, language
from trainer.data.split.groups import CONVERSATION_IDS

VALUES = 20  # of one dimension; more are no slices but names of rows
LABEL, TEXT = 60, 80  # characters, at most
SHORT, LONG = 200, 1000  # characters of a prompt


class Told(NamedTuple):
    """Of one row: what was asked (the last message, and everything), the right answer, and the metadata."""

    asked: str
    prompt_length: int
    answer: str
    metadata: Mapping[str, Any]


def slices(rows: Sequence[Told]) -> list[dict[str, str]]:
    """By row: `task` where the metadata has one; `label`, `language`, `length` and every short text of the metadata
    where the rows differ in it and its values are few."""
    found = [{"task": str(row.metadata["task"])} if row.metadata.get("task") else {} for row in rows]
    named = {key for row in rows for key, value in row.metadata.items() if isinstance(value, str)}
    ours = {"task", "label", "language", "length", *CONVERSATION_IDS}
    dimensions = {
        "label": _labels(rows),
        "language": _languages(rows),
        "length": [_length(row.prompt_length) for row in rows],
        **{key: [_text(row.metadata.get(key)) for row in rows] for key in sorted(named - ours)},
    }
    for name, values in dimensions.items():
        if _telling(values):
            found = [of | {name: value} if value else of for of, value in zip(found, values, strict=True)]
    return found


def group_of(metadata: Mapping[str, Any]) -> str:
    """The conversation that a row was taken from, by its id in the metadata; "" where there is none."""
    for name in CONVERSATION_IDS:
        if metadata.get(name):
            return str(metadata[name])[:200]
    return ""


def _telling(values: Sequence[str]) -> bool:
    """Two values at least, few of them, and each of them is shared by several rows on average."""
    given = [value for value in values if value]
    different = len(set(given))
    return 2 <= different <= VALUES and len(given) >= 2 * different


def _labels(rows: Sequence[Told]) -> list[str]:
    """The metadata's labels; without any, the answers themselves, where all are short."""
    given = [_text(row.metadata.get("label")) for row in rows]
    if any(given):
        return given
    answers = [row.answer.strip() for row in rows]
    return answers if all(len(a) <= LABEL and "\n" not in a for a in answers) else [""] * len(rows)


def _languages(rows: Sequence[Told]) -> list[str]:
    found = (language(row.asked) for row in rows)
    return ["" if code == UNKNOWN else code for code in found]


def _length(characters: int) -> str:
    return "short" if characters <= SHORT else "medium" if characters <= LONG else "long"


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) and len(value) <= TEXT else ""
