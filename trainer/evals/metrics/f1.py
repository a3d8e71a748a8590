"""F1 of labels: how well each label is found, and how rarely it is given wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.accuracy import label
from trainer.evals.metrics.metric import Pooled, Weighted


class _F1(Pooled):
    """A row is right or wrong; the figure is F1 over the labels that are expected somewhere, as scikit-learn has it. An
    answer that is none of them is a miss of the right label, and counts against no other."""

    def score(self, case: Case, answer: Answer) -> float:
        return float(label(case.expected) == label(answer.text))

    def weighted(self, cases: Sequence[Case], answers: Sequence[Answer]) -> Weighted:
        import numpy as np

        expected, given = _labels(cases, answers)
        labels = sorted(set(expected))
        places = {each: place for place, each in enumerate(labels)}
        none = len(labels)
        wanted = np.array([places[each] for each in expected], dtype=np.intp)
        got = np.array([places.get(each, none) for each in given], dtype=np.intp)

        def figure(weights: Any) -> float:
            found = np.bincount(wanted[wanted == got], weights[wanted == got], none + 1)[:none]
            there = np.bincount(wanted, weights, none + 1)[:none]
            said = np.bincount(got, weights, none + 1)[:none]
            return self._of(found, there, said)

        return figure

    def _of(self, found: Any, there: Any, said: Any) -> float:
        """From how often each label was found, was there to find, and was said: arrays of (labels,)."""
        raise NotImplementedError


class F1Macro(_F1):
    """The mean of the labels' F1, each label alike however rare it is."""

    name = "f1_macro"

    def _of(self, found: Any, there: Any, said: Any) -> float:
        seen = there > 0
        return float((2 * found[seen] / (there[seen] + said[seen])).mean())


class F1Micro(_F1):
    """The F1 of all labels counted together, each row alike."""

    name = "f1_micro"

    def _of(self, found: Any, there: Any, said: Any) -> float:
        return float(2 * found.sum() / (there.sum() + said.sum()))


def _labels(cases: Sequence[Case], answers: Sequence[Answer]) -> tuple[list[str], list[str]]:
    return [label(case.expected) for case in cases], [label(answer.text) for answer in answers]
