"""The few lines of a batch that deserve a look, for signs and for personal data: one pass over its bytes for both.

An automaton's pass costs about the same whatever it looks for, as long as few words lead it anywhere.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from trainer.data.privacy.find import compiled, hints
from trainer.data.quality import html, injection, refusals, templates

CHECKS = (refusals, templates, html, injection)


def suspects(raw: bytes) -> list[tuple[int, bytes]]:
    """The lines (LF) that any hint of signs or of privacy holds for, or might, with their indices, ascending."""
    found: list[tuple[int, bytes]] = []
    search = _union().search
    at = index = 0
    while (hit := search(raw, at)) is not None:
        start = hit.start()
        index += raw.count(b"\n", at, start)
        begin, end = raw.rfind(b"\n", at, start) + 1 or at, raw.find(b"\n", start)
        end = len(raw) if end < 0 else end
        found.append((index, raw[begin:end]))
        at, index = end + 1, index + 1
    return found


@cache
def _union() -> Any:
    signs = "|".join(f"(?is:{check.HINT})" for check in CHECKS)
    return compiled(hints(loose=True) + b"|" + signs.encode("latin-1"))
