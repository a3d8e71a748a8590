"""Is the answer JSON where JSON was expected?"""

from __future__ import annotations

import json
from typing import Any

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure


class NotJson(ValueError):
    """The text is no JSON object or list."""


class JsonValidity(Measure):
    """1 when the whole answer is one JSON object or list. Applies where the expected answer is one."""

    name = "json_validity"

    def score(self, case: Case, answer: Answer) -> float:
        return float(is_json(answer.text))

    def applies(self, case: Case) -> bool:
        return is_json(case.expected)


def is_json(text: str) -> bool:
    try:
        read_json(text)
    except NotJson:
        return False
    return True


def read_json(text: str) -> Any:
    """The object or list that the text is. A bare number or word is plain text here, not JSON."""
    if not text.lstrip().startswith(("{", "[")):
        raise NotJson
    return read_value(text)


def read_value(text: str) -> Any:
    """Any JSON value. NaN and Infinity are none."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotJson from None


def _refuse(_: str) -> Any:
    raise NotJson
