"""What a judge said, read strictly: the form that was asked for, or nothing. Nothing is guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

LONGEST = 40_000  # characters of an answer that is read at all
REASON_CHARS = 1_000  # of a reasoning that is kept
_FENCE = re.compile(r"```(?:json)?\s*\n(.*)\n```", re.DOTALL)


class Pick(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Of two answers, by the letters under which they were shown."""

    reasoning: str
    choice: Literal["A", "B", "tie"]


class Score(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    reasoning: str
    score: Annotated[int, msgspec.Meta(ge=0, le=10)]


Scores = dict[str, Score]  # by criterion


class Unreadable(Exception):
    """The answer is not of the form that was asked for. `str()` says why, in words of ours alone."""


def read_pick(text: str) -> Pick:
    try:
        return msgspec.convert(_object(text), Pick)
    except msgspec.ValidationError:
        raise Unreadable("it needs reasoning and choice, which is A, B or tie, and nothing else") from None


def read_scores(text: str, criteria: Sequence[str]) -> Scores:
    """Every criterion, once, and no other."""
    try:
        found = msgspec.convert(_object(text), Scores)
    except msgspec.ValidationError:
        raise Unreadable("each criterion needs reasoning and score, a whole number from 0 to 10") from None
    if set(found) != set(criteria):
        raise Unreadable(f"its criteria must be {', '.join(criteria)}")
    return found


def _object(text: str) -> Any:
    if len(text) > LONGEST:
        raise Unreadable("it was far too long")
    fenced = _FENCE.fullmatch(text.strip())
    try:
        return json.loads(fenced[1] if fenced else text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise Unreadable("it was not one JSON object") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two choices in one object are none."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def shortened(reasoning: str) -> str:
    plain = reasoning[:REASON_CHARS].encode("utf-8", "replace").decode().replace("\x00", "")
    return f"{plain}…" if len(reasoning) > REASON_CHARS else plain
