"""Suites: keep the team's, list them all, show one, make one of what a base can do, take over those of other tools."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.context import TRAINER, Context
from trainer.bases import TINY, resolve_base
from trainer.errors import BadInput, NotFound
from trainer.evals.case import Answer, Role, Suite
from trainer.evals.suites import Written, is_yaml, load_suite, read_suite, shipped, shipped_suite
from trainer.evals.suites.bounded import BYTES
from trainer.evals.suites.code import checks_of, freeze, runs
from trainer.evals.suites.spot import Made, from_base
from trainer.store.suites import Added, Resolved
from trainer.types import GenerateRequest

MARK = re.compile(rb"^suite\s*:\s*\S", re.MULTILINE)
ROWS = re.compile(rb"^rows\s*:", re.MULTILINE)
LOOKED = 65_536  # bytes in which a suite says that it is one
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Listed:
    """`version` 0 is shipped with Tunesmith."""

    name: str
    version: int
    role: str
    cases: int
    about: str = ""
    owner: str = ""


def is_suite(filename: str, path: Path) -> bool:
    """Whether a file is meant to be a suite of ours: YAML with a line `suite: name`."""
    if not is_yaml(filename):
        return False
    with path.open("rb") as file:
        return bool(MARK.search(file.read(LOOKED)))


def add_bytes(context: Context, data: bytes, *, over: bool = False) -> Added:
    """A new version of the team's suite that calls itself by its name. It names no files: whoever evaluates later sits
    elsewhere. Raises BadInput with every mistake, Forbidden for who may not, Conflict for a name that is shipped."""
    caller = context.caller
    caller.need(TRAINER, "add a suite")
    name = read_suite(data).suite.name
    return context.services.suites.add(name, data, owner=caller.user, team=caller.team, over=over)


def add_file(context: Context, path: Path, *, name: str = "", over: bool = False) -> Added:
    """As add_bytes. At a terminal the rows that a suite names are written into it, the code that it names is kept with
    it, and dataset rows make a suite too."""
    caller = context.caller
    if not caller.allow_paths:
        return add_bytes(context, _bytes(path), over=over)
    caller.need(TRAINER, "add a suite")
    own, data = frozen(context, path, name)
    return context.services.suites.add(own, data, owner=caller.user, team=caller.team, over=over, kept=True)


def frozen(context: Context, path: Path, name: str = "") -> tuple[str, bytes]:
    """Name and bytes of a suite in a file of this machine, with nothing outside them but code that is kept as a blob:
    its own bytes where it names no files, else YAML of the same cases. Runs that code, to see whether it can be used.
    For callers who may name paths."""
    suite, rule = check_file(path)
    data = _bytes(path)
    own = name or suite.name
    if is_yaml(path.name) and own == suite.name and not ROWS.search(data) and not any(checks_of(suite)):
        return own, data
    return own, freeze(replace(suite, name=own), rule, path.parent, context.services.blobs.put_bytes)


def _bytes(path: Path) -> bytes:
    """Never more than a suite may have, and one byte that says there is more."""
    if not path.is_file():
        raise NotFound(f"There is no file {path.name!r}.", fix="Check the path.", code="no_file", param="file")
    with path.open("rb") as file:
        return file.read(BYTES + 1)


def check_file(path: Path) -> Written:
    """The suite in a file of this machine, which may name files beside it."""
    if is_yaml(path.name):
        return read_suite(_bytes(path), path.name, path.parent)
    return Written(load_suite(path, role=Role.REGRESSION), {})


def list_suites(context: Context) -> list[Listed]:
    """The team's newest versions, then the shipped ones that none of them hides."""
    rows = context.services.suites.list()
    team = [Listed(row.name, row.version, row.role, row.cases, owner=row.owner) for row in rows]
    hidden = {row.name for row in rows}
    ours = [shipped_suite(name).suite for name in shipped() if name not in hidden]
    return [*team, *(Listed(suite.name, 0, suite.role.value, len(suite.cases), suite.about) for suite in ours)]


def show(context: Context, name: str) -> Resolved:
    """A suite by its name, or `name@2`."""
    return context.services.suites.resolve(name)


def make(
    context: Context,
    path: Path,
    base: str,
    *,
    primary: str = "exact_match",
    name: str = "",
    max_tokens: int = 256,
    on_progress: Progress | None = None,
) -> Made:
    """Ask a base of this machine every case of a file, greedily; what it answers rightly becomes a regression suite.
    Loads the model in this process: for the terminal."""
    suite = check_file(path).suite
    found = resolve_base(base, context.services.settings, allow_paths=context.caller.allow_paths)
    if found.name == TINY:
        from trainer.inference.tiny_base import ensure_tiny_base

        ensure_tiny_base(context.services.settings)
    from trainer.inference.model import load

    requests = [GenerateRequest(case.messages, max_tokens=max_tokens) for case in suite.cases]
    results = load(found.location).generate(requests, on_progress=on_progress)
    answers = [Answer(r.text, r.finish_reason == "length", r.prompt_tokens, r.completion_tokens) for r in results]
    about = f"What {found.name} answers rightly, of {suite.name}; a model tuned on it must keep that."
    return from_base(suite.cases, answers, primary, name=name or _name(suite.name, found.name), about=about)


def _name(suite: str, base: str) -> str:
    from trainer.evals.suites.foreign import plain_name

    return plain_name(f"{suite}-of-{base}")


def slices(suite: Suite) -> dict[str, dict[str, int]]:
    """Cases by the values of each slice."""
    found: dict[str, Counter[str]] = {}
    for case in suite.cases:
        for key, value in case.slices.items():
            found.setdefault(key, Counter())[value] += 1
    return {key: dict(counts) for key, counts in found.items()}


def listed(found: list[Listed]) -> str:
    """A line for each suite."""
    lines = [f"{one.name} ({_from(one.version)}): {one.role}, {plural(one.cases)}." for one in found]
    return "\n".join(lines)


def added(made: Added) -> str:
    row = made.row
    again = "" if made.new else " These bytes were kept before; nothing was added."
    said = f"Suite {row.name} v{row.version}: {row.role}, {plural(row.cases)}.{again}"
    return "\n".join(filter(None, (said, runs(made.written.suite))))


def told(suite: Suite, rule: dict[str, Any], version: int | None = None) -> str:
    """What a suite asks, in a few lines."""
    kept = f" ({_from(version)})" if version is not None else ""
    lines = [f"{suite.name}{kept}: {suite.role.value}, {plural(len(suite.cases))}, scored by {suite.primary}."]
    lines += [suite.about] if suite.about else []
    metrics = [metric.metric for metric in suite.metrics if metric.metric != suite.primary]
    lines += [f"Reported beside: {', '.join(metrics)}."] if metrics else []
    lines += [rule_words(rule)] if rule else []
    lines += [code] if (code := runs(suite)) else []
    lines += [f"{key}: " + ", ".join(f"{v} {n}" for v, n in values.items()) for key, values in slices(suite).items()]
    return "\n".join(lines)


def rule_words(rule: dict[str, Any]) -> str:
    words = [f"at most {rule['margin']:.0%} lost"] if "margin" in rule else []
    words += [f"at least {rule['floor']:.0%} right"] if "floor" in rule else []
    words += [f"for each {rule['by']} alone"] if "by" in rule else []
    return f"Asked of a candidate: {', '.join(words)}."


def plural(cases: int) -> str:
    return "1 case" if cases == 1 else f"{cases:,} cases"


def _from(version: int) -> str:
    return f"v{version}" if version else "shipped"


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        said = f"{path.name} is there already."
        raise BadInput(said, fix="Give another --out; nothing is overwritten.", code="file_exists") from None
