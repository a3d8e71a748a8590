"""The fast path of the plainer formats: lines of texts, or of texts and lists of turns, proven to be without findings.

The decoders let nothing pass but texts, null and objects of texts; `proven` counts quotes, so no key stands twice.
A format says of each row whether it is clean; in doubt the answer is None, and `inspect` looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trainer.data.formats.typed_chat import proven

_flat = msgspec.json.Decoder(dict[str, str | None]).decode_lines
_turns = msgspec.json.Decoder(dict[str, str | list[dict[str, str]] | None]).decode_lines
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

HEAD = 2048
Clean = Callable[[dict[str, Any]], bool]


def flat_rows(raw: bytes, clean: Clean) -> list[Any] | None:
    """Rows whose values are texts or null."""
    try:
        rows = _flat(raw)
    except _REFUSED:
        return None
    quotes = 0
    for row in rows:
        if not clean(row):
            return None
        quotes += 4 * len(row)
    if b"null" in raw:
        quotes -= 2 * sum(value is None for row in rows for value in row.values())
    return rows if rows and proven(raw, len(rows), quotes) else None


def turn_rows(raw: bytes, clean: Clean) -> list[Any] | None:
    """Rows whose values are texts, null or lists of objects of texts."""
    try:
        rows = _turns(raw)
    except _REFUSED:
        return None
    quotes = 0
    for row in rows:
        if not clean(row):
            return None
        for value in row.values():
            if type(value) is list:
                quotes += 2 + 4 * sum(map(len, value))
            else:
                quotes += 2 if value is None else 4
    return rows if rows and proven(raw, len(rows), quotes) else None


def text_or_talk_rows(raw: bytes, text: Clean, talk: Clean) -> list[Any] | None:
    """Rows of texts, or of lists of messages: the first ones tell which."""
    return turn_rows(raw, talk) if b'"role"' in raw[:HEAD] else flat_rows(raw, text)


def visible(text: Any) -> bool:
    """A text with a visible character; most begin with one in ASCII."""
    return type(text) is str and ("!" <= text < "\x7f" or bool(text and not text.isspace()))


def clean_talk(turns: Any, role: str, content: str, roles: dict[str, str]) -> bool:
    """A list of turns with just these two keys: somebody asks, all say something, the assistant has the last word."""
    if type(turns) is not list or not turns:
        return False
    user, said = False, ""
    for turn in turns:
        said = roles.get(turn.get(role, ""), "")
        if not said or len(turn) != 2 or not visible(turn.get(content)):
            return False
        user = user or said == "user"
    return user and said == "assistant"


SPOKEN = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}


def clean_messages(messages: Any) -> bool:
    return clean_talk(messages, "role", "content", SPOKEN)
