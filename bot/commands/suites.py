"""Suites: what there are, and what one of them asks."""

from __future__ import annotations

import re

from bot.commands.words import Command

MANY = re.compile(
    r"(?:(?:list|show|see|which|what)(?: me)? )?(?:(?:are|the|my|our|all|your) )*"
    r"(?:(?:eval(?:uation)?|test) )?suites"
    r"(?: (?:are|do|can|there|we|you|i|have|use|know|here))*\??$",
    re.IGNORECASE,
)
ONE = re.compile(
    r"(?:(?:show|see|look at|what does)(?: me)? )?(?:the )?(?:eval(?:uation)? )?suite "
    r"(?P<name>[a-z0-9][\w.-]*(?:@\d+)?)(?: asks?)?\??$",
    re.IGNORECASE,
)
ONE_LAST = re.compile(r"show(?: me)? the (?P<name>[a-z0-9][\w.-]*(?:@\d+)?) suite$", re.IGNORECASE)


def lists_suites(text: str) -> Command | None:
    if MANY.match(text):
        return Command("list_suites")
    one = ONE.match(text) or ONE_LAST.match(text)
    return Command("show_suite", {"suite": one["name"].lower()}) if one else None
