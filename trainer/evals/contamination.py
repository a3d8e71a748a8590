"""Did training see what is asked? Looked at first, before any model is asked: a test row that it saw blocks
everything, a row of any other suite is left out and counted.

Seen is a row whose prompt is equal but for case and white space. One that only an earlier answer of a longer
conversation had, which training learns too, is left out like it; in the test set, which a split by prompt may give such
rows, it is told. Rows that only share a run of words with training
(`trainer.data.contamination`) are told, and block nothing: where rows are filled into templates, as in our own
examples, an honest split has many of them (tickets 4 %, preferences 50 % of the test part; free text none).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainer.data.check import reading
from trainer.data.contamination import ROWS_AT_ONCE, Cases
from trainer.data.formats import load_format
from trainer.data.similar import Texts, own_texts
from trainer.data.split import prompt_key
from trainer.evals.case import BROUGHT, Case, Role, Suite
from trainer.evals.outcome import Contamination
from trainer.evals.suites import overlap

NAMED = 5  # ids that are shown


@dataclass(frozen=True, slots=True)
class Seen:
    """What training may have seen: `prompts` as `trainer.data.split.prompt_keys` gives them, and the files, in which
    rows that are nearly a case's are looked for."""

    prompts: Set[str]
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Sifted:
    """The suites without what training saw, what was found, and what people should know of it."""

    suites: tuple[Suite, ...]
    found: Contamination
    notes: tuple[str, ...] = ()


def sift(suites: Sequence[Suite], seen: Seen | None) -> Sifted:
    """The test suite keeps all its cases: a leak there is for the gate to judge, by `found.test_rows`. So do lessons,
    which hold what was learned, and have no say."""
    if seen is None:
        said = "Whether training saw the test rows was not checked: its prompts were not given."
        return Sifted(tuple(suites), Contamination(checked=False), (said,))
    leaks = [case for suite in suites if suite.role is Role.TEST for case in overlap(suite.cases, seen.prompts)]
    inside = _inside(seen.files, {case.key for suite in suites for case in suite.cases} - seen.prompts)
    rest, left_out = [], 0
    notes = [
        _within(suite, known) for suite in suites if suite.role is Role.TEST and (known := overlap(suite.cases, inside))
    ]
    for suite in suites:
        known = () if suite.role in BROUGHT else overlap(suite.cases, seen.prompts | inside)
        left_out += len(known)
        notes += [_left_out(suite, known)] if known else []
        gone = {case.id for case in known}
        rest.append(replace(suite, cases=tuple(case for case in suite.cases if case.id not in gone)))
    found = Contamination(True, len(leaks), left_out, tuple(case.id for case in leaks[:NAMED]))
    return Sifted(tuple(rest), found, (*notes, *_near(rest, seen)))


def _inside(files: Sequence[Path], asked: Set[str]) -> frozenset[str]:
    """Of these prompts, those that stand before an earlier answer of a conversation in the files."""
    found: set[str] = set()
    for file in files if asked else ():
        with reading(file) as (format, parts):
            told = (format.chat(row) for part in parts for row in part.rows)
            found |= {key for row in told if row for key in _earlier(row["messages"]) if key in asked}
    return frozenset(found)


def _earlier(talk: list[dict[str, Any]]) -> Iterator[str]:
    for at, message in enumerate(talk[:-1]):
        if at and message["role"] == "assistant" and message.get("weight", 1):
            yield prompt_key({"messages": talk[: at + 1]})


def _near(suites: Sequence[Suite], seen: Seen) -> list[str]:
    """A sentence for each suite with cases that share runs of words with training."""
    owners = [
        (suite, case)
        for suite in suites
        if suite.role is not Role.LESSONS
        for case in suite.cases
        if case.key not in seen.prompts
    ]
    if not (seen.files and owners):
        return []
    cases = _known([case for _, case in owners])
    hit = {overlap.case for file in seen.files for texts in _texts(file) for overlap in cases.find(texts)}
    by_suite: dict[str, list[str]] = {}
    for at in sorted(hit):
        by_suite.setdefault(owners[at][0].name, []).append(owners[at][1].id)
    total = {suite.name: len(suite.cases) for suite in suites}
    return [_nearly(name, ids, total[name]) for name, ids in by_suite.items()]


def _known(asked: Sequence[Case]) -> Cases:
    format = load_format("openai-chat")
    cases = Cases()
    cases.names.append("")
    for start in range(0, len(asked), ROWS_AT_ONCE):
        rows = [_row(case) for case in asked[start : start + ROWS_AT_ONCE]]
        cases.add(list(range(start, start + len(rows))), own_texts(format, rows, [format.view(row) for row in rows]))
    cases.close()
    return cases


def _row(case: Case) -> dict[str, Any]:
    said = [{"role": message.role, "content": message.content} for message in case.messages]
    return {"messages": [*said, {"role": "assistant", "content": case.expected}]}


def _texts(file: Path) -> Iterator[Texts]:
    with reading(file) as (format, parts):
        for part in parts:
            if part.rows:
                yield own_texts(format, part.rows, [format.view(row) for row in part.rows])


def _nearly(name: str, ids: Sequence[str], total: int) -> str:
    first = ", ".join(ids[:NAMED]) + (" …" if len(ids) > NAMED else "")
    return (
        f"{len(ids):,} of {total:,} rows of {name} share runs of words with training rows ({first}). Filled-in "
        "templates do that too; if these rows are nearly the same question, the scores flatter."
    )


def _within(suite: Suite, known: Sequence[Case]) -> str:
    ids = ", ".join(case.id for case in known[:NAMED]) + (" …" if len(known) > NAMED else "")
    return (
        f"{len(known):,} of {len(suite.cases):,} rows of {suite.name} were asked and answered inside longer "
        f"conversations of the training data ({ids}), so the scores flatter. Split by conversation."
    )


def _left_out(suite: Suite, known: Sequence[Case]) -> str:
    ids = ", ".join(case.id for case in known[:NAMED]) + (" …" if len(known) > NAMED else "")
    rows = "1 row of" if len(known) == 1 else f"{len(known):,} rows of"
    return f"{rows} {suite.name} are in the training data and were left out: {ids}."
