"""A gate as people write it, in YAML or as words: short names, percentages, suites by name. What comes out is checked,
and not yet frozen: the suites have no hashes."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from trainer.errors import BadInput
from trainer.evals.case import BROUGHT, Role
from trainer.evals.gate.spec import Decoding, GateSpec, JudgeRule, SuiteRule

MOST_BYTES = 64 * 1024
MOST_SUITES = 20
SAID = {
    "metric": "primary",
    "effect": "min_effect",
    "sized_for": "target_effect",
    "suite": "suites",
    "slice": "slices",
    "margin": "regression_margin",
    "shots": "few_shot",
    "validity": "validity_floor",
    "against": "alias",
    "enough": "good_enough",
}  # how people call what a gate names otherwise
SAID_OF_SUITES = {"name": "suite", "at_least": "floor"}
SHARES = {"min_effect", "target_effect", "good_enough", "validity_floor", "regression_margin", "alpha"}
SHARES_OF_SUITES = {"margin", "floor"}
LISTS = ("suites", "slices", "metrics")
NOTHING = ("none", "no", "off", "")
M = TypeVar("M", bound=BaseModel)
PERCENT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:%|percent|points?|pp)", re.IGNORECASE)


def parse(data: bytes) -> dict[str, Any]:
    """A YAML file's gate, not yet checked. Raises BadInput for anything but names with values."""
    from trainer.evals.suites.bounded import read_yaml

    if len(data) > MOST_BYTES:
        raise bad("This file is too long for a gate.", f"A gate is short: at most {MOST_BYTES >> 10} kB of YAML.")
    found = read_yaml(data, "The gate")
    if not isinstance(found, dict):
        raise bad("The gate's YAML is no list of names with values.", "Begin with, for example: primary: exact_match")
    return found


def read(asked: Mapping[str, Any]) -> GateSpec:
    """The gate that was asked for; what nobody said keeps the house's default. Raises BadInput (bad_gate) that names
    what is wrong, with what would fit."""
    found = _named(asked, GateSpec, SAID, "A gate")
    found |= {key: _share(key, found[key]) for key in found.keys() & SHARES}
    found |= {key: _listed(key, found[key]) for key in found.keys() & set(LISTS)}
    if "suites" in found:
        found["suites"] = tuple(_suite(entry) for entry in found["suites"])
        once([rule.suite for rule in found["suites"]])
    if "judge" in found:
        found["judge"] = _judge(found["judge"])
    if "decoding" in found:
        found["decoding"] = _made(Decoding, _named(_mapping("decoding", found["decoding"]), Decoding, {}, "Decoding"))
    if isinstance(found.get("primary"), str):
        found["primary"] = _metric(found["primary"])
    if "metrics" in found:
        found["metrics"] = tuple(_metric(str(name)) for name in found["metrics"])
    if "arguments" in found:
        _plain(found["arguments"])
    return _made(GateSpec, found)


def bad(what: str, fix: str, param: str = "gate") -> BadInput:
    return BadInput(what, fix=fix, code="bad_gate", param=param)


def _named(asked: Mapping[str, Any], kind: type[BaseModel], said: Mapping[str, str], noun: str) -> dict[str, Any]:
    """By the names of `kind`; an unknown one is told with what it may have been."""
    found: dict[str, Any] = {}
    for word, value in asked.items():
        key = re.sub(r"[\s-]+", "_", str(word).strip().lower())
        name = said.get(key, key)
        if name not in kind.model_fields:
            raise _unknown(str(word), key, sorted({*kind.model_fields, *said}), noun)
        if name in found:
            raise bad(f"{name.replace('_', ' ')} is said twice.", "Say it once.", name)
        if value is not None:
            found[name] = value
    return found


def _unknown(word: str, key: str, known: list[str], noun: str) -> BadInput:
    near = difflib.get_close_matches(key, known, n=1)
    fix = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return bad(f"{noun} has nothing called “{word[:40]}”.", fix, key[:40])


def _share(name: str, value: Any) -> Any:
    """`3%`, `3 points` and 0.03 are the same; a bare 3 could be either, and is asked about."""
    said = name.replace("_", " ")
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in NOTHING:
            return None
        if percent := PERCENT.fullmatch(text):
            return round(float(percent[1]) / 100, 6)
        try:
            value = float(text)
        except ValueError:
            raise bad(f"{said} {text[:40]!r} is no share.", "Write 3% or 0.03.", name) from None
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 1:
        raise bad(f"{said} {value:g} could be {value:g} % or {value:g} times.", f"Write {value:g}%.", name)
    return value


def _listed(name: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        text = value.strip()
        return [] if text.lower() in NOTHING else [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list | tuple):
        raise bad(f"{name} is a list of names.", f"For example {name}: general", name)
    if len(value) > MOST_SUITES:
        raise bad(f"{len(value)} {name} are too many.", f"Name {MOST_SUITES} at most.", name)
    return list(value)


def _suite(entry: Any) -> SuiteRule:
    """A name, or a mapping with a rule's values."""
    if isinstance(entry, SuiteRule):
        return entry
    asked = {"suite": entry} if isinstance(entry, str) else _mapping("suites", entry)
    found = _named(asked, SuiteRule, SAID_OF_SUITES, "A suite's rule")
    found |= {key: _share(key, found[key]) for key in found.keys() & SHARES_OF_SUITES}
    found.pop("sha256", None)  # the bytes decide, not what somebody writes
    rule = _made(SuiteRule, found)
    if rule.role in BROUGHT:
        known = ", ".join(role.value for role in Role if role not in BROUGHT)
        raise bad(f"No suite can have the role {rule.role.value}.", f"Leave it out, or name one of: {known}.", "role")
    return rule


def _judge(value: Any) -> JudgeRule | None:
    if isinstance(value, str) and value.strip().lower() in NOTHING:
        return None
    asked = {"model": value} if isinstance(value, str) else _mapping("judge", value)
    found = _named(asked, JudgeRule, {}, "A judge's rule")
    for frozen in ("prompt_sha256", "endpoint"):  # the settings decide, not what somebody writes
        found.pop(frozen, None)
    return _made(JudgeRule, found)


def _metric(name: str) -> str:
    return name.strip() if ":" in name or "." in name else name.strip().replace("-", "_")  # a file's name stays


def _plain(arguments: Any) -> None:
    """Refuse what JSON cannot hold, and what is no size for a setting."""
    try:
        size = len(json.dumps(arguments, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise bad(
            "The primary metric's arguments hold something that is no JSON.",
            "Use texts, numbers and lists.",
            "arguments",
        ) from None
    if size > MOST_BYTES // 2:
        raise bad("The primary metric's arguments are too long.", f"{MOST_BYTES // 2048} kB at most.", "arguments")


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if not isinstance(value, dict):
        raise bad(f"{name} {str(value)[:40]!r} is no list of names with values.", "See examples/gates/.", name)
    return value


def once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise bad(f"The suite {name[:60]} is named twice.", "Name it once.", "suites")
        seen.add(name)


def _made(kind: type[M], values: Mapping[str, Any]) -> M:
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "gate"
        given = str(first.get("input"))[:40]
        why = str(first["msg"]).lower().replace("input should be", "it should be")
        raise bad(f"{name.replace('_', ' ')} {given} does not fit: {why}.", "Correct it and ask again.", name) from None
