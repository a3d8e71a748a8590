"""Did training see what is asked? Looked at first, before any model is: a test row that it saw blocks everything, a
row of any other suite is left out and counted."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from trainer.evals.case import Case, Role, Suite
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
    """Test suites keep all their cases: a leak there is for the gate to judge, by `found.test_rows`."""
    if seen is None:
        said = "Whether training saw the test rows was not checked: its prompts were not given."
        return Sifted(tuple(suites), Contamination(checked=False), (said,))
    leaks = [case for suite in suites if suite.role is Role.TEST for case in overlap(suite.cases, seen.prompts)]
    rest, notes, left_out = [], [], 0
    for suite in suites:
        known = () if suite.role is Role.TEST else overlap(suite.cases, seen.prompts)
        left_out += len(known)
        notes += [_left_out(suite, known)] if known else []
        gone = {case.id for case in known}
        rest.append(replace(suite, cases=tuple(case for case in suite.cases if case.id not in gone)))
    found = Contamination(True, len(leaks), left_out, tuple(case.id for case in leaks[:NAMED]))
    return Sifted(tuple(rest), found, tuple(notes))


def _left_out(suite: Suite, known: Sequence[Case]) -> str:
    ids = ", ".join(case.id for case in known[:NAMED]) + (" …" if len(known) > NAMED else "")
    rows = "1 row of" if len(known) == 1 else f"{len(known):,} rows of"
    return f"{rows} {suite.name} are in the training data and were left out: {ids}."
