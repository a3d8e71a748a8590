"""Texts as words, in any script."""

from __future__ import annotations

import re

# Scripts that set no space between words count by the character, as is usual for them.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def words(text: str) -> list[str]:
    """In lower case, without punctuation. Of plain ASCII these are rouge-score's tokens."""
    return _WORD.findall(text.lower())
