"""A suite as people write it: YAML → cases. What each key means is told in docs/evaluation.md."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from trainer.data.canonical import canonical
from trainer.errors import BadInput
from trainer.evals.case import BROUGHT, Case, Check, Role, Suite
from trainer.evals.suites.bounded import read_yaml
from trainer.evals.suites.code import SHA256, is_name
from trainer.evals.suites.mistakes import Mistakes, meant
from trainer.evals.suites.named import says, unit_of
from trainer.evals.suites.reader import Reader, kind_of
from trainer.types import ChatMessage

KEYS = ("suite", "about", "role", "metrics", "primary", "margin", "floor", "by", "cases", "rows")
CASE = ("id", "prompt", "messages", "system", "expected", "slices", "checks", "group")
ROLES = ("system", "developer", "user", "assistant")
NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,59}$")
CASES = 5000


class Written(NamedTuple):
    """A suite, and what it asks of a gate by itself: some of `margin`, `floor` and `by`."""

    suite: Suite
    rule: dict[str, Any]


def read_suite(data: bytes, name: str = "", folder: Path | None = None, *, kept: bool = False) -> Written:
    """The suite in some YAML. `folder` is where it may name files (rows, metrics in Python); without one it may name
    none. `kept`: the bytes are ones that Tunesmith keeps, so that they may hold the hashes of Python files that were
    kept with them; none of these is run here. Raises BadInput with every mistake and its place."""
    what = f"The suite {name}" if name else "The suite"
    document = read_yaml(data, what)
    if not isinstance(document, dict) or "suite" not in document:
        said = f"{what} is {kind_of(document)} without `suite: its name`."
        raise BadInput(said, fix="Begin it with `suite:`, `about:` and `cases:`.", code="bad_suite")
    reader = Reader(Mistakes(what), folder, document)
    own = reader.text("suite", document["suite"], 60)
    reader.mistakes.what = f"The suite {own or name}".strip()
    reader.mistakes.unknown("", document, (*KEYS, "files"))
    if own and not NAME.match(own):
        reader.mistakes.add("suite", "a name is up to 60 small letters, digits and dashes, such as tone-of-voice.")
    reader.files |= _files(reader, kept)
    role = _role(reader)
    cases = _cases(reader)
    rows = _rows(reader)
    primary, metrics = _metrics(reader, cases)
    cases = _answerable(reader, cases, metrics[0] if metrics else None)
    rule = reader.share("margin") | reader.share("floor")
    rule |= _by(reader, (*cases, *rows))
    about = " ".join(reader.text("about", document.get("about"), 2000).split())
    reader.mistakes.stop()
    if not cases and not rows:
        said = f"The suite {own} is empty: it has no case."
        raise BadInput(said, fix="Give at least one under `cases:`.", code="empty_suite")
    made = Suite(
        own, hashlib.sha256(data).hexdigest(), (*cases, *rows), role, primary, metrics, about, files=reader.files
    )
    return Written(made, rule)


def _files(reader: Reader, kept: bool) -> dict[str, str]:
    given = reader.document.get("files")
    if given is None:
        return {}
    if not kept:
        words = (
            "Tunesmith writes this itself, when a suite with metrics in Python is added at a terminal; leave it out."
        )
        reader.mistakes.add("files", words)
    elif not isinstance(given, dict) or not all(is_name(n) and SHA256.fullmatch(str(s)) for n, s in given.items()):
        reader.mistakes.add("files", "names of Python files with the sha256 of each are expected.")
    else:
        return given
    return {}


def _role(reader: Reader) -> Role:
    given = reader.text("role", reader.document.get("role"), 40) or Role.REGRESSION.value
    known = [role for role in Role if role not in BROUGHT]
    if given not in known:
        reader.mistakes.add("role", f"there is no role {given!r}.{meant(given, known)}")
        return Role.REGRESSION
    return Role(given)


def _metrics(reader: Reader, cases: Sequence[Case]) -> tuple[str, tuple[Check, ...]]:
    """The primary metric's name, and all metrics, that one first."""
    given = reader.checks("metrics", reader.document.get("metrics"), bounded=False)
    for name in (name for name, times in Counter(check.metric for check in given).items() if times > 1):
        words = f"{name} stands twice, and scores are kept by a metric's name. Put one among the `checks` of cases."
        reader.mistakes.add("metrics", words)
    usual = "checks" if any(case.checks for case in cases) else given[0].metric if given else "exact_match"
    primary = reader.text("primary", reader.document.get("primary"), 100) or usual
    mine = next((metric for metric in given if metric.metric == primary), None)
    if mine is None:
        mine = reader.check("primary", primary, bounded=False)
    first = (mine,) if mine else ()
    if mine and (unit := unit_of(mine, reader.folder)) != "share":
        reader.mistakes.add(
            "primary", f"{primary} is in {unit}, which says how much and not whether an answer is right."
        )
    return primary, (*first, *(metric for metric in given if metric.metric != primary))


def _by(reader: Reader, cases: Sequence[Case]) -> dict[str, str]:
    by = reader.text("by", reader.document.get("by"), 60)
    if not by:
        return {}
    keys = dict.fromkeys(key for case in cases for key in case.slices)
    without = sum(by not in case.slices for case in cases)
    if cases and without == len(cases):
        reader.mistakes.add("by", f"no case has the slice {by!r}.{meant(by, keys)}")
    elif without:
        reader.mistakes.add("by", f"{without} of {len(cases)} cases have no slice {by!r}.")
    return {"by": by}


def _cases(reader: Reader) -> list[Case]:
    given = reader.items("cases", reader.document.get("cases"))
    if len(given) > CASES:
        reader.mistakes.add("cases", f"there are {len(given):,}; at most {CASES:,} are read.")
        return []
    cases = [case for n, item in enumerate(given) if (case := _case(reader, f"cases[{n}]", item))]
    _twice(reader, {f"cases[{n}]": item for n, item in enumerate(given)}, cases)
    return cases


def _twice(reader: Reader, given: dict[str, Any], cases: list[Case]) -> None:
    if len(given) != len(cases):  # places are told only where each case was read
        return
    seen: dict[tuple[str, str], str] = {}
    for place, case in zip(given, cases, strict=True):
        for what, value in (("id", case.id), ("prompt", case.key)):
            before = seen.setdefault((what, value), place)
            if before != place:
                shown = f" {value[:60]!r}" if what == "id" else ""
                reader.mistakes.add(place, f"has the same {what}{shown} as {before}.")
                break


def _case(reader: Reader, place: str, item: Any) -> Case | None:
    before = len(reader.mistakes.found)
    if not isinstance(item, dict):
        reader.mistakes.add(place, f"is {kind_of(item)}, and a case with `prompt:` is expected.")
        return None
    reader.mistakes.unknown(place, item, CASE)
    messages = _messages(reader, place, item)
    expected = reader.text(f"{place}.expected", item.get("expected"))
    checks = reader.checks(f"{place}.checks", item.get("checks"))
    slices = _slices(reader, f"{place}.slices", item.get("slices"))
    group = reader.text(f"{place}.group", item.get("group"), 200)
    own = reader.text(f"{place}.id", item.get("id"), 100)
    if "\0" in own:
        reader.mistakes.add(f"{place}.id", "holds a NUL character, which not every database can keep.")
    if len(reader.mistakes.found) > before:
        return None
    made = Case(own, messages, expected, slices, checks, group)
    for number, check in enumerate(checks):
        if not says(check, made, reader.folder):
            words = f"{check.metric} compares with `expected`, which says nothing that it can use."
            reader.mistakes.add(f"{place}.checks[{number}]", words)
    return made if own else case_of_hash(made)


def case_of_hash(case: Case) -> Case:
    """The case with an id made of what it asks and expects."""
    told = [[[m.role, m.content] for m in case.messages], case.expected, [[c.metric, c.arguments] for c in case.checks]]
    digest = hashlib.blake2b(canonical(told), digest_size=4).hexdigest()
    return replace(case, id=f"case-{digest}")


def _messages(reader: Reader, place: str, item: dict[str, Any]) -> tuple[ChatMessage, ...]:
    if ("prompt" in item) == ("messages" in item):
        wrong = "gives both `prompt` and `messages`" if "prompt" in item else "has no `prompt`"
        reader.mistakes.add(place, f"{wrong}; give one of prompt and messages.")
        return ()
    system = reader.text(f"{place}.system", item.get("system"))
    head = [ChatMessage("system", system)] if system else []
    if "prompt" in item:
        said = reader.text(f"{place}.prompt", item["prompt"])
        if not said.strip() and isinstance(item["prompt"], str | None):
            reader.mistakes.add(f"{place}.prompt", "is empty.")
        return (*head, ChatMessage("user", said))
    where = f"{place}.messages"
    turns = [_message(reader, f"{where}[{n}]", turn) for n, turn in enumerate(reader.items(where, item["messages"]))]
    if not turns or turns[-1].role != "user":
        reader.mistakes.add(where, "the last message is the user's: what the model is to answer.")
    return (*head, *turns)


def _message(reader: Reader, place: str, turn: Any) -> ChatMessage:
    if not isinstance(turn, dict):
        reader.mistakes.add(place, f"is {kind_of(turn)}, and `role:` with `content:` is expected.")
        return ChatMessage("user", "")
    reader.mistakes.unknown(place, turn, ("role", "content"))
    role = reader.text(f"{place}.role", turn.get("role"), 40)
    if role not in ROLES:
        reader.mistakes.add(f"{place}.role", f"there is no role {role!r}.{meant(role, ROLES)}")
    return ChatMessage(role, reader.text(f"{place}.content", turn.get("content")))


def _slices(reader: Reader, place: str, value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > 10:
        reader.mistakes.add(place, f"is {kind_of(value)}, and up to ten keys with a value each are expected.")
        return {}
    read = {str(key)[:60]: reader.text(f"{place}.{str(key)[:60]}", item, 80) for key, item in value.items()}
    return {key: item for key, item in read.items() if item}


def _answerable(reader: Reader, cases: list[Case], primary: Check | None) -> list[Case]:
    """Each case must be one that the primary metric can tell right from wrong."""
    made: list[Case] = []
    for number, case in enumerate(cases):
        if primary is not None and primary.metric == "checks" and case.expected and not case.checks:
            made.append(replace(case, checks=(Check("exact_match"),)))
            continue
        if primary is not None and not says(primary, case, reader.folder):
            wanted = "`expected` or `checks`" if primary.metric == "checks" else "`expected`"
            wanted = "the slice `twin`, harmful or benign" if primary.metric == "refusal" else wanted
            reader.mistakes.add(f"cases[{number}]", f"lacks {wanted}: nothing says what is right.")
        made.append(case)
    return made


def _rows(reader: Reader) -> tuple[Case, ...]:
    """The cases of a JSONL file beside the suite."""
    named = reader.text("rows", reader.document.get("rows"), 200)
    if not named:
        return ()
    if reader.folder is None:
        reader.mistakes.add("rows", "a file can be named only by a suite on the machine at whose terminal it is used.")
        return ()
    path = (reader.folder / named).resolve()
    if not path.is_relative_to(reader.folder.resolve()) or not path.is_file():
        reader.mistakes.add("rows", f"there is no file {named!r} beside the suite.")
        return ()
    from trainer.evals.suites.rows import suite_of_rows

    try:
        return suite_of_rows(path).cases
    except BadInput as error:
        reader.mistakes.add("rows", str(error))
        return ()
