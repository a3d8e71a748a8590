"""Puts typed placeholders where personal data and secrets stood: `[EMAIL_1]`, `[US_SSN_1]`, `[GITHUB_TOKEN_1]`.

The same value gets the same number within a row, so that who is who stays readable. What is replaced cannot be
brought back. Redacting twice changes nothing more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from trainer.data.privacy.find import Hit, find
from trainer.data.privacy.kinds import fold
from trainer.data.privacy.walk import walk

ROUNDS = 8  # what a replacement uncovers is looked at again; in practice two rounds do
KEYED = 200  # characters up to which a text is read together with the key it stands under
SHORTEST = 6  # no hit is shorter
REMEMBERED = 2000  # characters up to which a text's hits are remembered
_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z0-9_]*)_(\d{1,6})\]")
_PROSE = frozenset(
    "content text value prompt completion chosen rejected instruction input output response answer question "  # noqa: SIM905
    "messages parts".split()
)


def hits_of(text: str, key: str = "", kinds: Collection[str] | None = None) -> list[Hit]:
    """What is in a text that stands under a key: {"phone": "0612345678"} says more than the digits alone."""
    if len(text) < SHORTEST:
        return []
    found = list(_remembered(text)) if len(text) <= REMEMBERED else find(text)
    if not is_prose(key) and len(text) <= KEYED:
        lead = f"{_spaced(key)} {key}: "
        keyed = [Hit(h.kind, h.start - len(lead), h.end - len(lead)) for h in find(lead + text) if h.start >= len(lead)]
        apart = [h for h in found if not any(h.start < k.end and k.start < h.end for k in keyed)]
        found = sorted((*keyed, *apart), key=lambda h: h.start)
    return found if kinds is None else [hit for hit in found if hit.kind in kinds]


def is_prose(key: str) -> bool:
    """Whether a key says nothing about the text that stands under it."""
    return not key or key in _PROSE


@lru_cache(maxsize=512)
def _remembered(text: str) -> tuple[Hit, ...]:
    """The same system message stands in many rows."""
    return tuple(find(text))


def _spaced(key: str) -> str:
    return re.sub(r"[_\-.\s]+|(?<=[a-z])(?=[A-Z])", " ", key[:64])


class Redactor:
    """Numbers the values of one row."""

    def __init__(self, kinds: Collection[str] | None = None) -> None:
        self.kinds = kinds
        self.counts: Counter[str] = Counter()  # kind → replacements
        self._numbers: dict[tuple[str, str], int] = {}
        self._next: Counter[str] = Counter()

    def note(self, text: str) -> None:
        """Leave the numbers of placeholders that already stand in the row alone."""
        for name, number in _PLACEHOLDER.findall(text):
            self._next[name] = max(self._next[name], int(number))

    def text(self, text: str, key: str = "") -> str:
        for _ in range(ROUNDS):
            hits = hits_of(text, key, self.kinds)
            if not hits:
                break
            text = self._replaced(text, hits)
        return text

    def _replaced(self, text: str, hits: list[Hit]) -> str:
        parts, at = [], 0
        for hit in hits:
            parts += text[at : hit.start], self._placeholder(hit.kind, text[hit.start : hit.end])
            at = hit.end
            self.counts[hit.kind] += 1
        return "".join((*parts, text[at:]))

    def _placeholder(self, kind: str, value: str) -> str:
        name = kind.upper()
        same = (kind, "".join(c for c in fold(value).casefold() if c.isalnum()))
        if same not in self._numbers:
            self._next[name] += 1
            self._numbers[same] = self._next[name]
        return f"[{name}_{self._numbers[same]}]"


def redact_text(text: str, kinds: Collection[str] | None = None) -> tuple[str, Counter[str]]:
    """The text without what was found (of these kinds, or of all), and how many of each kind were replaced."""
    redactor = Redactor(kinds)
    redactor.note(text)
    return redactor.text(text), redactor.counts


def redact_row(row: Any, kinds: Collection[str] | None = None) -> tuple[Any, Counter[str]]:
    """A plain row with all its texts redacted; keys, roles and numbers stay. The row given is not changed.

    JSON inside a text (a tool call's arguments) stays valid; a number in it that is replaced becomes a text."""
    redactor = Redactor(kinds)

    def look(text: str, _path: str, _key: str) -> str:
        redactor.note(text)
        return text

    walk(row, look)
    return walk(row, lambda text, _path, key: redactor.text(text, key)), redactor.counts
