"""promptfoo's assertions and our checks: what each is in the other's words."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from trainer.errors import BadInput
from trainer.evals.case import Case, Check
from trainer.evals.metrics.checks import load_check
from trainer.evals.metrics.json_validity import is_json

Json = dict[str, Any]
NOT = "not-"
LISTS = {"contains-any": "any", "contains-all": "all"}
FLAGS = re.compile(r"^\(\?([ims]+)\)")
# what `_regex` below writes
OURS = re.compile(r'(?P<not>!?)new RegExp\((?P<pattern>"(?:[^"\\]|\\.)*"), (?P<flags>"[ims]+")\)\.test\(output\)')


class Read(NamedTuple):
    check: Check
    expected: str = ""


def read_assert(item: Any, expected: str) -> Read | str:
    """Our check for an assertion of promptfoo, or in words why there is none. `expected` is what another assertion of
    the same test already expects."""
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        return "it has no type."
    kind, value = item["type"], item.get("value")
    for key in ("transform", "contextTransform"):
        if key in item:
            return f"{kind} with {key}."
    if item.get("weight") == 0:
        return f"{kind} with weight 0 decides nothing."
    if isinstance(value, str) and value.startswith("file://"):
        return f"{kind} with a value in another file."
    read = _read(kind.removeprefix(NOT), value, item.get("threshold"), expected, wanted=not kind.startswith(NOT))
    if read is None:
        return f"{kind} has no counterpart here."
    try:
        load_check(read.check)
    except BadInput as error:
        return f"{kind}: {error.what}"
    return read


def _read(kind: str, value: Any, threshold: Any, expected: str, *, wanted: bool) -> Read | None:
    absent = {} if wanted else {"absent": True}
    plain = kind.removeprefix("i") if kind.startswith("icontains") else kind
    case = {"case_sensitive": True} if plain == kind else {}
    texts = [_text(v) for v in (value if isinstance(value, list) else [value])]
    if plain == "contains" and len(texts) == 1:
        return Read(Check("contains", {"all" if wanted else "none": texts, **case}))
    if plain == "contains-any" or (plain == "contains-all" and wanted):
        return Read(Check("contains", {LISTS[plain] if wanted else "none": texts, **case}))
    if kind == "regex" and isinstance(value, str):
        return Read(Check("regex", {"pattern": value, **absent}))
    if kind == "javascript" and (ours := OURS.fullmatch(str(value))):
        told = {"pattern": f"(?{json.loads(ours['flags'])}){json.loads(ours['pattern'])}"}
        return Read(Check("regex", told | ({"absent": True} if bool(ours["not"]) == wanted else {})))
    if kind == "starts-with" and isinstance(value, str):
        return Read(Check("regex", {"pattern": "^" + re.escape(value), **absent}))
    if kind == "equals" and value is not None:
        text = _text(value)
        if wanted and not expected:
            return Read(Check("exact_match"), text)
        return (
            Read(Check("regex", {"pattern": rf"\s*{re.escape(text)}\s*", "full": True, **absent}))
            if not wanted
            else None
        )
    if kind == "is-json" and (value is None or isinstance(value, dict)):
        return Read(Check("json_schema", {"schema": value or {}, **({} if wanted else {"at_most": 0})}))
    if kind == "is-sql" and value is None:
        return Read(Check("sql_validity", {} if wanted else {"at_most": 0}))
    if kind == "is-refusal":
        return Read(Check("refusal", {"expected": wanted}))
    if kind == "latency" and wanted and isinstance(threshold, int | float):
        return Read(Check("latency", {"at_most": threshold / 1000}))
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write_asserts(case: Case, primary: str) -> tuple[list[Json], list[str]]:
    """The case's checks in promptfoo's words, and those that it has none for."""
    checks = case.checks if primary == "checks" else (Check(primary),)
    written: list[Json] = []
    left: list[str] = []
    for check in checks:
        made = _write(check, case)
        written += made or []
        left += [] if made else [check.metric]
    return written, left


def _write(check: Check, case: Case) -> list[Json] | None:
    given = dict(check.arguments)
    below = given.pop("at_most", None)
    if check.metric == "latency" and below is not None:
        return [{"type": "latency", "threshold": round(below * 1000)}]
    if given.pop("at_least", 1) != 1 or below not in (None, 0):
        return None
    no = NOT if below == 0 else ""
    if check.metric == "exact_match":
        value = json.loads(case.expected) if is_json(case.expected) else case.expected
        return [{"type": f"{no}equals", "value": value}]
    if check.metric == "contains":
        return None if no else _contains(given, case)
    if check.metric == "regex":
        return [_regex(given["pattern"], full=given.get("full", False), absent=given.get("absent", False) != bool(no))]
    if check.metric in ("json_schema", "json_validity"):
        return [{"type": f"{no}is-json", **({"value": given["schema"]} if given.get("schema") else {})}]
    if check.metric == "sql_validity" and not given:
        return [{"type": f"{no}is-sql"}]
    if check.metric == "refusal" and not given.get("phrases"):
        refuses = given.get("expected", case.slices.get("twin") == "harmful")
        return [{"type": "is-refusal" if refuses != bool(no) else "not-is-refusal"}]
    return None


def _contains(given: Json, case: Case) -> list[Json]:
    i = "" if given.get("case_sensitive") else "i"
    made = [{"type": f"{i}contains-{key}", "value": given[key]} for key in ("any", "all") if given.get(key)]
    made += [{"type": f"not-{i}contains-any", "value": given["none"]}] if given.get("none") else []
    return made or [{"type": f"{i}contains", "value": case.expected}]


def _regex(pattern: str, *, full: bool, absent: bool) -> Json:
    """JavaScript knows no flags within a pattern, so such a one is written as an expression."""
    flags = FLAGS.match(pattern)
    plain = FLAGS.sub("", pattern)
    plain = f"^(?:{plain})$" if full else plain
    if not flags:
        return {"type": f"{NOT if absent else ''}regex", "value": plain}
    found = f"new RegExp({json.dumps(plain)}, {json.dumps(flags[1])}).test(output)"
    return {"type": "javascript", "value": f"!{found}" if absent else found}
