"""Suites: cases with a known right answer, read from dataset rows or from readable YAML."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from trainer.evals.case import Case, Role, Suite
from trainer.evals.suites.rows import cases_of, suite_of_rows

__all__ = ["cases_of", "load_suite", "overlap"]


def load_suite(path: Path, name: str = "", role: Role | None = None) -> Suite:
    """The suite in a file. Raises BadInput for an empty or broken one, every mistake named."""
    path = Path(path)
    return suite_of_rows(path, name, role or Role.TEST)


def overlap(cases: Sequence[Case], train_prompts: Set[str]) -> tuple[Case, ...]:
    """The cases whose prompt is in the training data too."""
    return tuple(case for case in cases if case.key in train_prompts)
