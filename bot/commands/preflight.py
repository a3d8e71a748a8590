"""Trying a run before it is asked for."""

from __future__ import annotations

import re

from bot.commands.runs import run_named
from bot.commands.words import Command

PREFLIGHT = re.compile(
    r"(?:(?:run|do|start|make|show) )?(?:(?:a|the|another) )?(?:pre-?flight|dry[- ]run|trial run)\b(?!-\w)",
    re.IGNORECASE,
)


def preflights(text: str) -> Command | None:
    return Command("preflight_training", run_named(text)) if PREFLIGHT.match(text) else None
