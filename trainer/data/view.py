"""A row as text, whatever its format."""

from __future__ import annotations

from typing import NamedTuple


class View(NamedTuple):
    """What the model is given, what it shall say, who speaks."""

    prompt: str  # everything before the last answer, turns joined by line feeds
    answer: str  # the last answer; of a preference row the preferred one; of a plain text the whole text
    roles: tuple[str, ...]  # in order; empty where the format has none
