"""Does everything hold that the case asks of an answer?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case, Check
from trainer.evals.metrics.metric import Measure, Metric

BOUNDS = ("at_least", "at_most")


@dataclass(frozen=True, slots=True)
class Held:
    """A check, ready to be applied: the score of `metric` must be within the bounds."""

    metric: Metric
    at_least: float
    at_most: float

    def by(self, case: Case, answer: Answer) -> bool:
        from trainer.evals.metrics import scored

        return self.at_least <= scored(self.metric, case, answer) <= self.at_most


class Checks(Measure):
    """1 when each check of the case holds. Applies where the case has checks."""

    name = "checks"

    _folder: Path | None = PrivateAttr(None)  # where the files of custom metrics may lie

    def model_post_init(self, context: Any) -> None:
        self._folder = (context or {}).get("allow_files")

    def score(self, case: Case, answer: Answer) -> float:
        return float(not failed(case, answer, self._folder))

    def applies(self, case: Case) -> bool:
        return bool(case.checks)


def failed(case: Case, answer: Answer, allow_files: Path | None = None) -> tuple[Check, ...]:
    """The checks of the case that the answer does not meet."""
    return tuple(check for check in case.checks if not load_check(check, allow_files).by(case, answer))


def load_check(check: Check, allow_files: Path | None = None) -> Held:
    """The check, ready. A share must be 1 unless `at_least` or `at_most` say otherwise; of every other unit one of
    them is needed. Raises BadInput (code bad_metric) for what cannot be checked."""
    try:
        written = json.dumps(dict(check.arguments), sort_keys=True)
    except (TypeError, ValueError):
        said = f"The arguments of the check {check.metric} are no plain JSON."
        raise BadInput(said, fix="Use texts, numbers, lists and objects.", code="bad_metric") from None
    return _load(check.metric, written, allow_files)


@lru_cache(maxsize=4096)
def _load(name: str, written: str, allow_files: Path | None) -> Held:
    from trainer.evals.metrics import named

    arguments = json.loads(written)
    given = {key: arguments.pop(key) for key in BOUNDS if key in arguments}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            said = f"The check {name} cannot use {key} = {value!r}."
            raise BadInput(said, fix="Give a number.", code="bad_metric", param=key)
    metric = named(name, arguments, allow_files)
    if metric.name == Checks.name:
        raise BadInput("A check cannot be `checks` itself.", fix="Name another metric.", code="bad_metric")
    if metric.unit != "share" and not given:
        said = f"The check {name} says neither at_least nor at_most, and {metric.unit} are not right or wrong."
        raise BadInput(said, fix=f"Give a bound, such as `at_most` in {metric.unit}.", code="bad_metric")
    least = given.get("at_least", 1.0 if "at_most" not in given else float("-inf"))
    return Held(metric, least, given.get("at_most", float("inf")))
