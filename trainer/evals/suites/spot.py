"""A suite made on the spot: what a base answers rightly today is what a tuned model must keep."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case, Check, Role, Suite
from trainer.evals.metrics import named, scored
from trainer.evals.suites.dump import dump
from trainer.evals.suites.written import CASES

MOST = 500  # cases, chosen by hash: as many again would narrow the interval of what is kept by little


class Made(NamedTuple):
    """`text` is the suite as YAML. Of `asked` cases the base had `right` right, and `kept` stand in the suite."""

    text: str
    asked: int
    right: int
    kept: int


def from_base(
    cases: Sequence[Case],
    answers: Sequence[Answer],
    primary: str = "exact_match",
    *,
    name: str = "kept-from-base",
    about: str = "",
    most: int = MOST,
) -> Made:
    """A regression suite of the cases whose answer scores 1 on `primary`; the base's own answer is what is expected of
    them from now on. An answer that ran into the token limit counts as wrong. Raises BadInput (code nothing_right)
    where there is none, and for a metric that is no share."""
    metric = named(primary, {})
    if metric.unit != "share":
        said = f"{primary} says how much, not whether an answer is right."
        raise BadInput(said, fix="Choose exact_match, checks, contains …", code="bad_metric", param="primary")
    pairs = zip(cases, answers, strict=True)
    right: dict[str, Case] = {}
    for case, answer in pairs:
        if not answer.cut and metric.applies(case) and scored(metric, case, answer) >= 1:
            right.setdefault(case.key, replace(case, expected=answer.text.strip() or case.expected))
    if not right:
        raise BadInput(
            f"The base answers none of the {len(cases):,} cases rightly: there is nothing to keep.",
            fix="Give rows of what it can do, or another metric, such as contains.",
            code="nothing_right",
        )
    chosen = sorted(right.values(), key=_place)[: min(most, CASES)]
    ids: dict[str, Case] = {case.id: case for case in chosen}
    metrics = (Check(primary), *(() if primary == "exact_match" else (Check("exact_match"),)))
    suite = Suite(name, "", tuple(ids.values()), Role.REGRESSION, primary, metrics, about)
    return Made(dump(suite), len(cases), len(right), len(ids))


def _place(case: Case) -> bytes:
    return hashlib.blake2b(case.key.encode("utf-8", "replace"), digest_size=8).digest()
