"""Asking people to vote or to rate, blind."""

from __future__ import annotations

import re
from typing import Any

from bot.commands.words import MODEL, Command, any_of, named

SHOW = any_of(
    r"(?:show|tell|what are|how are|how do)(?: me| us)? (?:the )?votes?\b",
    r"what (?:did|do) (?:the )?(?:people|voters|colleagues) (?:say|think|prefer)",
    r"(?:vote|poll) results?\b",
)
RATE = any_of(r"(?:let (?:people|us|them) )?rate (?:it|them|this|the answers|blind)\b", r"(?:ask for )?ratings?\b")
VOTE = any_of(
    r"(?:let(?:'s|s| us| people)? )?vote\b(?! (?:for|against)\b)",
    r"(?:start |open |hold )?(?:a )?(?:blind|human) (?:vote|comparison|test|poll)\b",
    r"(?:compare|judge) (?:it |them |the answers )?blind(?:ly)?\b",
    r"ask (?:some |\d+ |the )?(?:people|colleagues|team|humans?|voters)\b",
    r"(?:human|expert) (?:review|votes?)\b",
)
ITEMS = re.compile(r"\b(\d{1,3}) (?:items?|questions?|answers?|rows?|examples?|pairs?)\b", re.IGNORECASE)
VOTERS = re.compile(r"\b(\d{1,3}) (?:people|persons?|voters?|votes?|colleagues|humans?)\b", re.IGNORECASE)
AGAINST = re.compile(r"\b(?:against|versus|vs\.?) (?:the )?(base|alias|holder|few[- ]shot)\b", re.IGNORECASE)
CALLED = {"alias": "holder"}
EVALUATION = r"(?<![\w:])eval-\w+"


def asks_people(text: str) -> Command | None:
    which = named("model", text, EVALUATION) or named("model", text, MODEL)
    if SHOW.match(text):
        return Command("show_votes", which)
    rated = RATE.match(text)
    if not rated and not VOTE.match(text):
        return None
    said: dict[str, Any] = {"kind": "rating"} if rated or re.search(r"\brat(?:e|ings?)\b", text) else {}
    for name, pattern in (("items", ITEMS), ("voters", VOTERS)):
        if found := pattern.search(text):
            said[name] = int(found[1])
    if found := AGAINST.search(text):
        word = found[1].lower()
        said["against"] = CALLED.get(word, re.sub(r"[- ]", "_", word))
    return Command("ask_people", said | which)
