"""What went wrong, and the next version of the data."""

from __future__ import annotations

from bot.commands.polls import EVALUATION
from bot.commands.words import MODEL, Command, any_of, named

SHOW = any_of(
    r"(?:show |list |browse |see )?(?:me )?(?:all )?(?:the |its )?(?:failures|errors of the model|wrong answers)\b",
    r"what (?:went|is|was) wrong\b",
    r"what (?:did|does) (?:it|the model) get wrong\b",
    r"where (?:did|does) (?:it|the model) fail\b",
)
NEXT = any_of(
    r"(?:make|build|create) (?:the |a )?(?:next|new) version\b",
    r"(?:make|build|create) (?:the )?next dataset\b",
)
DATASET = r"(?<![\w:])file-\w+"


def learns(text: str) -> Command | None:
    if NEXT.match(text):
        return Command("make_next_version", named("dataset", text, DATASET))
    if SHOW.match(text):
        return Command("show_failures", named("model", text, EVALUATION) or named("model", text, MODEL))
    return None
