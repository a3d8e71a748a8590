"""The few lines of a batch that deserve a look, for signs and for personal data: one pass over its bytes for both.

An automaton's pass costs about the same whatever it looks for, as long as few words lead it anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from trainer.data.privacy.find import compiled, hints
from trainer.data.quality import html, injection, refusals, templates

CHECKS = (refusals, templates, html, injection)

_Lines = list[tuple[int, bytes]]
_last: tuple[bytes, _Lines] = b"", []


def suspects(raw: bytes) -> _Lines:
    """The lines (LF) that any hint of signs or of privacy holds for, or might, with their indices, ascending. Those
    of the last batch are remembered, since two analyzers ask."""
    global _last
    said, lines = _last
    if said is not raw:
        lines = list(_lines(raw))
        _last = raw, lines
    return lines


def _lines(raw: bytes) -> Iterator[tuple[int, bytes]]:
    search = _union().search
    at = index = 0
    while (found := search(raw, at)) is not None:
        start = found.start()
        index += raw.count(b"\n", at, start)
        begin, end = raw.rfind(b"\n", at, start) + 1 or at, raw.find(b"\n", start)
        end = len(raw) if end < 0 else end
        yield index, raw[begin:end]
        at, index = end + 1, index + 1


@cache
def _union() -> Any:
    signs = "|".join(f"(?is:{check.HINT})" for check in CHECKS)
    return compiled(hints(loose=True) + b"|" + signs.encode("latin-1"))
