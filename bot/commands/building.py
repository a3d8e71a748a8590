"""Making data: an example of this thread, rows that a language model writes, recipes."""

from __future__ import annotations

import re
from typing import Any

from bot.commands.words import Command, any_of, dataset_named

EXAMPLE = any_of(
    r"(?:make|create|take|save|keep) (?:me )?(?:an? |this |the )?(?:training )?(?:example|row|data)\b.*\bthread\b",
    r"(?:make|turn) (?:this|the) thread (?:to|in ?to|as) (?:an? )?(?:training )?(?:example|row|data)\b",
    r"(?:add|save|keep|learn from|use|take) (?:this|the) thread\b",
)
ANSWERS = re.compile(
    r"\b(?:with|where|and)\s+(?P<who><@[UW][A-Z0-9]+(?:\|[^>]*)?>|@?[\w.-]+)\s+(?:is|as|being|=)\s+"
    r"(?:the\s+)?(?:agent|assistant|answerer|answers?)\b"
    r"|\b(?:agent|assistant)\s*(?:is|=|:)\s*(?P<who2><@[UW][A-Z0-9]+(?:\|[^>]*)?>|@?[\w.-]+)",
    re.IGNORECASE,
)
AUGMENT = any_of(
    r"augment\b",
    r"(?:make|write|generate|create) (?:me )?(?:\d+ )?(?:more )?(?:variations|variants)\b",
    r"(?:make|write|generate|create) (?:me )?(?:\d+ )?(?:more )?synthetic (?:rows|examples|data)\b",
)
PARAPHRASE = any_of(r"paraphrase\b", r"(?:make|write|generate|create) (?:me )?(?:\d+ )?(?:more )?paraphrases\b")
DISTILL = re.compile(r"distill?\b", re.IGNORECASE)
COUNT = re.compile(r"\b(?:n\s*=?\s*(\d+)|(\d+)\s*(?:variations|variants|paraphrases|times|x\b|each))", re.IGNORECASE)
ROWS = re.compile(r"\b(\d[\d,]*)\s*rows\b|\brows\s*[:=]?\s*(\d[\d,]*)", re.IGNORECASE)
WRITER = re.compile(
    r"\b(?:with|by|from|using|model)\s+(?:model\s+)?[`\"“]?((?=[\w./:-]*[-/\d])[A-Za-z][\w./:-]*\w)", re.I
)
RECIPES = re.compile(r"(?:list |show )?(?:me )?(?:the )?(?:recipes|cookbook)", re.IGNORECASE)
RECIPE = re.compile(r"(?:show |start |what is )?(?:me )?(?:the )?recipe(?: for)? (?P<name>[\w-]+)", re.IGNORECASE)


def makes_example(said: str, text: str) -> Command | None:
    """`said` still has its mentions: the person named in one may be who answers."""
    if not EXAMPLE.match(text):
        return None
    found = ANSWERS.search(" ".join(said.split()))
    who = (found["who"] or found["who2"]) if found else ""
    mention = re.fullmatch(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>", who)
    arguments = dataset_named(text) | ({"assistant": mention[1] if mention else who} if who else {})
    return Command("example_from_thread", arguments)


def writes_rows(text: str) -> Command | None:
    kinds = (("paraphrase", PARAPHRASE), ("distill", DISTILL), ("augment", AUGMENT))
    kind = next((name for name, pattern in kinds if pattern.match(text)), "")
    if not kind:
        return None
    arguments: dict[str, Any] = {"kind": kind, **dataset_named(text)}
    for name, pattern in (("n", COUNT), ("rows", ROWS), ("model", WRITER)):
        if found := pattern.search(text):
            value = next(group for group in found.groups() if group)
            arguments[name] = value if name == "model" else int(value.replace(",", ""))
    if str(arguments.get("model", "")).startswith("file-"):
        arguments.pop("model")
    return Command("request_augmentation", arguments)


def recipes(text: str) -> Command | None:
    if RECIPES.fullmatch(text):
        return Command("show_recipes")
    found = RECIPE.fullmatch(text)
    return Command("show_recipes", {"name": found["name"].lower()}) if found else None
