"""Is the answer the expected one?"""

from __future__ import annotations

import unicodedata
from typing import Any

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.json_validity import NotJson, is_json, read_json
from trainer.evals.metrics.metric import Measure


class ExactMatch(Measure):
    """1 when the answer equals the expected text, without regard to Unicode form (NFKC) and white space.

    Where a JSON object or list is expected, the parsed values are compared: key order and layout do not
    count, texts inside do, letter for letter; 1 and 1.0 are the same number, 1 and true are not."""

    name = "exact_match"

    def score(self, case: Case, answer: Answer) -> float:
        if is_json(case.expected):
            return float(_same_json(case.expected, answer.text))
        return float(normalised(case.expected) == normalised(answer.text))


def normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _same_json(expected: str, answer: str) -> bool:
    try:
        return same(read_json(expected), read_json(answer))
    except (NotJson, RecursionError):
        return False


def same(one: Any, other: Any) -> bool:
    """Equal as JSON values."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
