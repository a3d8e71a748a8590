"""Datasets: check, split."""

from __future__ import annotations

import re

from bot.commands.words import Command, any_of, dataset_named

CHECK = any_of(
    r"(?:re-?)?check\b",
    r"(?:show|look at|see)(?: me)? (?:the |my |this )?(?:dataset|data|report|file)\b",
    r"report$",
    r"validate\b",
)
SPLIT = re.compile(r"(?:re-?)?split\b", re.IGNORECASE)


def checks(text: str) -> Command | None:
    if CHECK.match(text):
        return Command("check_dataset", dataset_named(text))
    return Command("split_dataset", dataset_named(text)) if SPLIT.match(text) else None
