"""Datasets: check, fix, redact, split, audit, where they come from, whose they are and how long they stay."""

from __future__ import annotations

import re
from typing import Any

from bot.commands.words import NUMBER, Command, any_of, dataset_named

IT = r"(?: (?:up|it|them|this|that|the|my|our|all|a|file-\w+|dataset|data ?set|data|file|rows?|whole|full|please|now))*"
CHECK = any_of(
    r"(?:re-?)?check\b",
    r"(?:show|look at|see)(?: me)? (?:the |my |this )?(?:dataset|data|report|file)\b",
    r"validate\b",
)
REPORT = re.compile(
    rf"(?:(?:download|send|upload|get|export|give me) )?(?:(?:the|a|full|whole|html) )*report(?: (?:on|of|for))?{IT}$",
    re.IGNORECASE,
)
FIX = re.compile(rf"(?:auto-?)?(?:fix|mend|repair|clean)(?: up)?{IT}$", re.IGNORECASE)
PERSONAL = r"(?:personal|private|sensitive|pii|secrets?|e-?mails?|phone numbers?|credentials)"
REDACT = any_of(
    rf"(?:redact|anonymi[sz]e|pseudonymi[sz]e)\b(?:{IT}|.*{PERSONAL}.*)$",
    rf"(?:remove|mask|hide|strip|replace)\b.*\b{PERSONAL}\b",
)
AUDIT = any_of(
    r"(?:data )?audit\b",
    rf"(?:what|which|is there|are there|any|does|do) .*\b{PERSONAL}\b",
    r"who (?:uploaded|brought|owns) (?:it|this|that|the (?:data|dataset|file))",
)
LINEAGE = any_of(
    rf"(?:show (?:me )?)?(?:the |its )?(?:lineage|versions|provenance)(?: of)?{IT}$",
    r"where (?:does|do|did) (?:it|this|that|they|the data|the dataset) come from",
)
LICENSE = re.compile(
    rf"(?:set |change )?(?:the )?licen[cs]e(?: of)?{IT}(?:\s*(?:is|to|as|=|:|under))?\s+[“\"'`]?"
    r"(?P<name>[A-Za-z][\w .+-]{0,60}?)[”\"'`]?(?: for file-\w+)?$",
    re.IGNORECASE,
)
RETAIN = re.compile(rf"(?:retain|keep|store|delete){IT}(?: (?:for|only|after|in))*\s+(?P<how>.+)$", re.IGNORECASE)
FOR_GOOD = re.compile(r"(?:ever|good|forever|always|indefinitely)$", re.IGNORECASE)
SPAN = re.compile(rf"({NUMBER})\s*(days?|weeks?|months?|years?)\b", re.IGNORECASE)
DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def checks(text: str) -> Command | None:
    if REPORT.match(text):
        return Command("dataset_report", dataset_named(text))
    if CHECK.match(text):
        return Command("check_dataset", dataset_named(text))
    return Command("split_dataset", _split(text)) if SPLIT.match(text) else None


def mends(text: str) -> Command | None:
    if REDACT.match(text):
        return Command("redact_dataset", dataset_named(text))
    return Command("fix_dataset", dataset_named(text)) if FIX.match(text) else None


def tends(text: str) -> Command | None:
    """Audit, lineage, licence and retention."""
    if AUDIT.match(text):
        return Command("audit_dataset", dataset_named(text))
    if LINEAGE.match(text):
        return Command("dataset_lineage", dataset_named(text))
    if said := LICENSE.match(text):
        return Command("license_dataset", {"license": said["name"].strip(), **dataset_named(text)})
    return _retains(text)


def _retains(text: str) -> Command | None:
    said = RETAIN.match(text)
    if not said:
        return None
    if FOR_GOOD.search(said["how"]) and not text.lower().startswith("delete"):
        return Command("retain_dataset", dataset_named(text))
    span = SPAN.match(said["how"])
    return Command("retain_dataset", {"days": _days(span), **dataset_named(text)}) if span else None


def _days(span: re.Match[str]) -> float:
    return float(span[1]) * DAYS[span[2][0].lower()]


SPLIT = re.compile(r"(?:re-?)?split\b", re.IGNORECASE)
KEY = r"[“\"'`]?(?P<key>[A-Za-z_][\w.:-]*\w)[”\"'`]?"
STRATIFY = re.compile(rf"\bstratif(?:y|ied)(?: it)?(?: by| on| over)?(?: the)? {KEY}", re.IGNORECASE)
GROUP = re.compile(rf"\b(?:by|per|grouped by|group)(?: the| same)? {KEY}", re.IGNORECASE)
NAMED = re.compile(r"(prompt|conversation)s?", re.IGNORECASE)
SEED = re.compile(r"\bseed\s*(?:of|[:=])?\s*(\d{1,9})\b", re.IGNORECASE)
PARTS = {"test": r"test", "dev": r"(?:dev|val(?:idation)?)"}
SHARE = {
    part: re.compile(rf"({NUMBER})\s*%\s*{word}\b|\b{word}\s*[:=]?\s*({NUMBER})\s*%", re.IGNORECASE)
    for part, word in PARTS.items()
}


def _split(text: str) -> dict[str, Any]:
    """What the text says of how to split, and nothing else."""
    found: dict[str, Any] = dataset_named(text)
    if by := STRATIFY.search(text):
        found["stratify"] = by["key"] if by["key"].lower() == "answer" else f"key:{by['key'].removeprefix('key:')}"
    if by := GROUP.search(STRATIFY.sub(" ", text)):
        named = NAMED.fullmatch(by["key"])
        found["group"] = named[1].lower() if named else f"key:{by['key'].removeprefix('key:')}"
    if seed := SEED.search(text):
        found["seed"] = int(seed[1])
    for part, pattern in SHARE.items():
        if share := pattern.search(text):
            found[part] = float(share[1] or share[2]) / 100
    return found
