"""The grammar: commands, and plain English near them, to a tool and its arguments.

It never invents arguments: what a person did not say is left out. `RULES` are asked in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.commands.building import makes_example, recipes, writes_rows
from bot.commands.data import checks, mends, tends
from bot.commands.failures import learns
from bot.commands.models import WHICH_ALIAS, WHICH_ROLLBACK, evaluates, lists_models, overrides, promotes
from bot.commands.polls import asks_people
from bot.commands.preflight import preflights
from bot.commands.runs import advises, cancels, estimates, tells_status, trains
from bot.commands.suites import lists_suites
from bot.commands.talk import BY_BUTTON, HELP, NOT_DONE, THANKS, UNKNOWN, YOU, decides, helps
from bot.commands.values import lists_presets, suggests, sweeps
from bot.commands.words import Command, any_of

__all__ = [
    "BY_BUTTON",
    "HELP",
    "NOT_DONE",
    "THANKS",
    "UNKNOWN",
    "WHICH_ALIAS",
    "WHICH_ROLLBACK",
    "Command",
    "parse",
    "plain",
]

MENTION = any_of(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>", r"(?<!\S)@tunesmith\b")
POLITE = re.compile(
    r"^(?:(?:please|hey|hi|hello|ok|okay|now|so|and|then|can you|could you|would you|will you|let'?s|"
    r"i want to|i'?d like to|we want to|go ahead and|but|"
    rf"(?:thanks|thank you|great|nice|cool|perfect)(?![,!]? {YOU}))[,!.]?\s+)+",
    re.IGNORECASE,
)
ENDING = re.compile(r"(?:[\s,]*\bplease)?[.!\s]*$", re.IGNORECASE)


def parse(said: str) -> Command | None:
    """What was asked for, or None when the grammar does not know."""
    text = plain(said)
    if example := makes_example(said, text):
        return example
    for reads in RULES:
        found = reads(text)
        if found is not None:
            return found
    return None


def plain(said: str) -> str:
    """Without mentions, polite words and closing marks, on one line."""
    text = re.sub(r"\s+", " ", MENTION.sub(" ", said)).strip().strip("`").strip()
    return ENDING.sub("", POLITE.sub("", text) or text)


RULES: tuple[Callable[[str], Command | None], ...] = (
    helps,
    suggests,
    sweeps,
    advises,
    writes_rows,
    recipes,
    lists_suites,
    tells_status,
    lists_presets,
    lists_models,
    checks,
    mends,
    tends,
    estimates,
    preflights,
    trains,
    cancels,
    asks_people,
    learns,
    evaluates,
    overrides,
    promotes,
    decides,
)
