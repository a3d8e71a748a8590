"""Is the answer JSON where JSON was expected?"""

from __future__ import annotations

import json
from typing import Any


class NotJson(ValueError):
    """The text is no JSON object or list."""


class JsonValidity:
    """1 when the whole answer is one JSON object or list. Applies where the expected answer is one."""

    name = "json_validity"

    def score(self, expected: str, answer: str) -> float:
        return float(is_json(answer))

    def applies(self, expected: str) -> bool:
        return is_json(expected)


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
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotJson from None


def _refuse(_: str) -> Any:
    raise NotJson
