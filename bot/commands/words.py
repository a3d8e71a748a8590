"""What every part of the grammar shares: a command, and how numbers, ids and names are written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

NUMBER = r"(?:(?<!\w)-)?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
ALIAS = r"(?P<alias>[\w][\w.-]*)"
MODEL = r"(?<![\w:])(?:ft:[\w.:-]*\w|ftjob-\w+)"
JOB = r"(?<![\w:])(?:ftjob|evaljob|augjob|sweep|preflight)-\w+"


@dataclass(frozen=True, slots=True)
class Command:
    """A tool and its arguments, or a text to answer with when `tool` is empty."""

    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    text: str = ""


def any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)


def named(name: str, text: str, pattern: str) -> dict[str, Any]:
    found = re.search(pattern, text)
    return {name: found[0]} if found else {}


def dataset_named(text: str) -> dict[str, Any]:
    return named("dataset", text, r"(?<!\w)file-\w+")
