"""How many of the expected fields are right?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.exact_match import same
from trainer.evals.metrics.json_validity import NotJson, is_json, read_json
from trainer.evals.metrics.metric import Measure

_GONE = object()


class JsonFields(Measure):
    """The share of the expected JSON's leaf fields that the answer has, with the same value, in the same place. Fields
    that were not expected cost nothing; an answer that is no JSON gets 0. Applies where JSON is expected."""

    name = "json_fields"

    def score(self, case: Case, answer: Answer) -> float:
        expected = read_json(case.expected)
        try:
            given = read_json(answer.text)
        except NotJson:
            return 0.0
        outcomes = list(_leaves(expected, given))
        return sum(outcomes) / len(outcomes)

    def applies(self, case: Case) -> bool:
        return is_json(case.expected)


def _leaves(expected: Any, given: Any) -> Iterator[bool]:
    """Of each leaf whether it is right. An empty object or list is a leaf; no recursion, however deep."""
    left = [(expected, given)]
    while left:
        here, there = left.pop()
        if isinstance(here, dict) and here:
            found = there if isinstance(there, dict) else {}
            left += [(value, found.get(key, _GONE)) for key, value in here.items()]
        elif isinstance(here, list) and here:
            items = there if isinstance(there, list) else []
            left += [(value, items[i] if i < len(items) else _GONE) for i, value in enumerate(here)]
        else:
            yield same(here, there)
