"""Suites: cases with a known right answer, read from dataset rows or from readable YAML."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from functools import cache
from pathlib import Path

from trainer.errors import NotFound
from trainer.evals.case import Case, Role, Suite
from trainer.evals.suites.mistakes import meant
from trainer.evals.suites.rows import cases_of, suite_of_rows
from trainer.evals.suites.written import Written, read_suite

__all__ = ["Written", "cases_of", "is_yaml", "load_suite", "overlap", "read_suite", "shipped", "shipped_suite"]

SHIPPED = Path(__file__).parent / "shipped"


def load_suite(
    path: Path, name: str = "", role: Role | None = None, *, files: bool = True, kept: bool = False
) -> Suite:
    """The suite in a file: readable YAML by its ending, else dataset rows. `name` and `role` replace its own. `files`
    says whether YAML may name files beside it; say False where it did not come from the person at this terminal.
    `kept` is as in read_suite.
    Raises BadInput for an empty or broken one, every mistake named."""
    path = Path(path)
    if not path.is_file():
        raise NotFound(f"There is no suite {path.name!r} here.", fix="Check the name.", code="no_suite", param="suite")
    if not is_yaml(path.name):
        return suite_of_rows(path, name, role or Role.TEST)
    suite = read_suite(path.read_bytes(), path.name, path.parent if files else None, kept=kept).suite
    return replace(suite, name=name or suite.name, role=role or suite.role)


def is_yaml(filename: str) -> bool:
    return filename.lower().endswith((".yaml", ".yml"))


@cache
def shipped() -> dict[str, Path]:
    """The suites that Tunesmith brings, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def shipped_suite(name: str) -> Written:
    """One of them. Raises NotFound."""
    path = shipped().get(name)
    if path is None:
        said = f"There is no suite {name[:60]!r}.{meant(name, shipped())}"
        raise NotFound(said, fix="", code="no_suite", param="suite")
    return read_suite(path.read_bytes(), name)


def overlap(cases: Sequence[Case], train_prompts: Set[str]) -> tuple[Case, ...]:
    """The cases whose prompt is in the training data too."""
    return tuple(case for case in cases if case.key in train_prompts)
