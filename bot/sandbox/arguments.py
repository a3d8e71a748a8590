"""Arguments of a Web API call, however they were sent."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bot.sandbox.errors import SlackError, invalid_arguments

Json = dict[str, Any]
T = TypeVar("T")


class Arguments:
    """Form fields are strings and JSON bodies are typed; both read alike here."""

    def __init__(self, values: Json):
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def need(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.values.get(name) or default)
        except (TypeError, ValueError):
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]") from None

    def parsed(self, name: str, error: str = "invalid_arguments") -> Any:
        """A JSON value: form calls send it as text, JSON calls as itself."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None


def page(items: Sequence[T], arguments: Arguments, key: Callable[[T], str], default: int = 100) -> tuple[list[T], str]:
    """One page of items and the cursor of the next ("" at the end)."""
    limit = min(max(1, arguments.number("limit", default)), 1000)
    start = _start(items, arguments.text("cursor"), key)
    chosen = list(items[start : start + limit])
    rest = items[start + limit : start + limit + 1]
    return chosen, base64.b64encode(f"next:{key(rest[0])}".encode()).decode() if rest else ""


def _start(items: Sequence[T], cursor: str, key: Callable[[T], str]) -> int:
    if not cursor:
        return 0
    try:
        wanted = base64.b64decode(cursor, validate=True).decode().removeprefix("next:")
    except (binascii.Error, UnicodeDecodeError):
        raise SlackError("invalid_cursor") from None
    for number, item in enumerate(items):
        if key(item) == wanted:
            return number
    raise SlackError("invalid_cursor")
