"""Evaluations, promotions and the list of models."""

from __future__ import annotations

import re

from bot.commands.words import ALIAS, MODEL, Command, any_of, named

WHICH_ALIAS = "Behind which alias? It is one word of letters, digits, dots or dashes: say, e.g., `promote to tickets`."
WHICH_ROLLBACK = "Which alias? Say, e.g., `roll back tickets`."

SHOW_EVALUATION = any_of(
    r"show (?:me )?(?:the |its |last |latest )*(?:evaluation|eval|verdict|comparison|results?)",
    r"(?:evaluation|verdict|result)s?\??$",
)
EVALUATE = re.compile(r"(?:re-?)?(?:evaluate|eval|compare|test)\b(?: (?P<alias>[\w][\w.-]*))?", re.IGNORECASE)
VAGUE = {"it", "this", "that", "the", "model", "now", "again", "them", "run", "base", "our", "my", "against", "with"}


AGAINST = re.compile(
    r"\b(?:against|versus|vs\.?) (?:what )?(?:the )?(?:alias )?(?P<held>[\w][\w.-]*)(?: serves(?: now)?)?$",
    re.IGNORECASE,
)


def evaluates(text: str) -> Command | None:
    if SHOW_EVALUATION.match(text):
        return Command("show_evaluation", named("model", text, MODEL))
    asked = EVALUATE.match(text)
    if not asked:
        return None
    which = named("model", text, MODEL)
    held = AGAINST.search(re.sub(MODEL, " ", text))
    if held and held["held"].lower() not in VAGUE | {"its"}:
        which |= {"alias": held["held"].rstrip(".")}
    if "model" not in which and asked["alias"] and asked["alias"].lower() not in VAGUE:
        which |= {"model": asked["alias"]}
    return Command("evaluate_model", which)


OVERRIDE = re.compile(
    r"override\b(?P<rest>.*?)(?:\b(?:because(?: of)?|since|reason)\b:?|\s[:–—-]+\s|:\s)\s*(?P<reason>.+)", re.IGNORECASE
)
TO_ALIAS = re.compile(rf"\b(?:to|for|behind)(?: the)?(?: alias)? {ALIAS}", re.IGNORECASE)
WHICH_REASON = "Which model, to which alias, and why? Say, e.g., `override to tickets because the old one fails now`."


def overrides(text: str) -> Command | None:
    """`override MODEL to ALIAS because …`"""
    if not re.match(r"override\b", text, re.IGNORECASE):
        return None
    said = OVERRIDE.match(text)
    target = TO_ALIAS.search(re.sub(MODEL, " ", said["rest"])) if said else None
    if not said or not target:
        return Command(text=WHICH_REASON)
    found = {"alias": target["alias"].rstrip("."), "reason": said["reason"].strip()}
    return Command("request_override", found | named("model", said["rest"], MODEL))


PROMOTE = any_of(r"promote\b", r"point\b.*\b(?:to|at)\b")
BEHIND = re.compile(rf"\b(?:to|as|behind)(?: the)?(?: alias)? {ALIAS}$", re.IGNORECASE)
POINT = re.compile(rf"point {ALIAS} (?:to|at)\b", re.IGNORECASE)
BACK = re.compile(rf"(?:roll[- ]?back|revert|undo)(?: the)?(?: alias| promotion of)?(?: {ALIAS})?$", re.IGNORECASE)


def promotes(text: str) -> Command | None:
    back = BACK.match(text)
    if back:
        which = {"alias": back["alias"]} if back["alias"] else {}
        return Command("request_rollback", which) if which else Command(text=WHICH_ROLLBACK)
    if not PROMOTE.match(text):
        return None
    target = POINT.search(text) or BEHIND.search(text)
    if not target:
        return Command(text=WHICH_ALIAS)
    return Command("request_promotion", {"alias": target["alias"], **named("model", text, MODEL)})


MODELS = re.compile(
    r"(?:(?:list|show|what) )?(?:me )?(?:all )?(?:(?:the|our|my) )?(?:tuned )?(?:models|aliases|bases)"
    r"(?: are there| do we have)?\??",
    re.IGNORECASE,
)


def lists_models(text: str) -> Command | None:
    return Command("list_models") if MODELS.fullmatch(text) else None
