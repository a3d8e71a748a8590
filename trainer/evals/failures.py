"""Rows that a candidate got wrong, by cause, worst first: what the base had right comes before what nobody had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.evals.case import BASE, CANDIDATE, Answer
from trainer.evals.metrics.json_validity import NotJson, read_json
from trainer.evals.metrics.refusal import refuses
from trainer.evals.outcome import Row

CAUSES = {
    "empty": "No answer at all",
    "cut": "Ran into the token limit",
    "refused": "Refused to answer",
    "not_json": "No JSON, where JSON is expected",
    "fields": "JSON with wrong or missing fields",
    "nearly": "Right but for spaces, signs or capital letters",
    "other": "Another answer than expected",
}
FIELDS = 3  # that are named


@dataclass(frozen=True, slots=True)
class Failure:
    """A row below 1 on the metric that says whether it is right. `lost`: the base has it right. `why` is a few words
    on what is wrong, with words of the data in it."""

    row: Row
    cause: str
    why: str
    score: float
    lost: bool


def failures(rows: Sequence[Row], primary: Mapping[str, str]) -> list[Failure]:
    """Of every suite, by its primary metric (`primary`, suite → metric); lost ones first, then the lowest scores."""
    found = [made for row in rows if (made := _failure(row, primary.get(row.suite, ""))) is not None]
    return sorted(found, key=lambda one: (not one.lost, one.score, one.row.suite, one.row.id))


def by_cause(found: Sequence[Failure]) -> dict[str, int]:
    """How many of each cause, the most frequent first."""
    return dict(Counter(one.cause for one in found).most_common())


def _failure(row: Row, metric: str) -> Failure | None:
    score = row.scores.get(CANDIDATE, {}).get(metric)
    answer = row.answers.get(CANDIDATE)
    if score is None or answer is None or score >= 1:
        return None
    cause, why = cause_of(row.expected, answer)
    return Failure(row, cause, why, score, row.scores.get(BASE, {}).get(metric, 0.0) >= 1)


def cause_of(expected: str, answer: Answer) -> tuple[str, str]:
    """The first cause that fits, and what is wrong in a few words."""
    if not answer.text.strip():
        return "empty", ""
    if answer.cut:
        return "cut", f"cut after {answer.tokens:,} tokens" if answer.tokens else ""
    wanted, said = _json(expected), _json(answer.text)
    if wanted is not None:
        return ("not_json", "") if said is None else ("fields", _fields(wanted, said))
    if refuses(answer.text) and not refuses(expected):
        return "refused", ""
    if expected and _bare(expected) == _bare(answer.text):
        return "nearly", ""
    return "other", ""


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except NotJson:
        return None


def _fields(wanted: Any, said: Any) -> str:
    if not isinstance(wanted, dict) or not isinstance(said, dict):
        return "another list" if isinstance(said, list) else "another kind of value"
    wrong = [f"{key}: {_short(said[key])} for {_short(wanted[key])}" for key in wanted if _differs(wanted, said, key)]
    wrong += [f"{key} missing" for key in wanted if key not in said]
    wrong += [f"{key} too much" for key in said if key not in wanted]
    return "; ".join(text[:120] for text in wrong[:FIELDS]) + (" …" if len(wrong) > FIELDS else "")


def _differs(wanted: dict[str, Any], said: dict[str, Any], key: str) -> bool:
    return key in said and said[key] != wanted[key]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
