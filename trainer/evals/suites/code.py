"""Code that a suite brings: Python files beside it while it is written, kept by their hash once it is added."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import Check, Suite
from trainer.evals.suites.dump import dump

FILE = "file:"
BYTES = 1_000_000
SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"\w[\w./-]{0,99}\.py", re.ASCII)


def file_of(metric: str) -> str:
    """`metric.py` of `file:metric.py:Name`; "" for every metric that is no file."""
    return metric.removeprefix(FILE).rpartition(":")[0] if metric.startswith(FILE) else ""


def is_name(name: Any) -> bool:
    """Whether a file can be laid out under this name, below any folder."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name)) and ".." not in name.split("/")


def checks_of(suite: Suite) -> Iterator[Check]:
    """Every metric and check of the suite that is in a file."""
    checks = (*suite.metrics, *(check for case in suite.cases for check in case.checks))
    return (check for check in checks if check.metric.startswith(FILE))


def freeze(suite: Suite, rule: dict[str, Any], folder: Path, put: Callable[[bytes], str]) -> bytes:
    """The suite as it is kept: rows written into it, and each file's code given to `put`, which returns its sha256.
    So the suite's own hash binds its code. Raises BadInput (code bad_metric) for a file that cannot be kept."""
    names = sorted({file_of(check.metric) for check in checks_of(suite)})
    return dump(suite, rule, {name: put(_read(folder, name)) for name in names}).encode()


def _read(folder: Path, name: str) -> bytes:
    if not is_name(name):
        said = f"The file {name[:100]!r} cannot be kept under its name."
        raise BadInput(said, fix="Use letters, digits, dots and dashes, such as metric.py.", code="bad_metric")
    with (folder / name).open("rb") as file:
        data = file.read(BYTES + 1)
    if len(data) > BYTES:
        raise BadInput(
            f"{name} is larger than {BYTES // 1_000_000} MB.", fix="Keep only the metric in it.", code="bad_metric"
        )
    return data


def runs(suite: Suite) -> str:
    """What whoever adds or approves the suite must know of its code; "" where it brings none."""
    if not suite.files:
        return ""
    files = ", ".join(f"{name} ({sha256[:8]})" for name, sha256 in sorted(suite.files.items()))
    return f"Code of the suite {suite.name} runs in the worker wherever it is evaluated: {files}, as it was when added."
