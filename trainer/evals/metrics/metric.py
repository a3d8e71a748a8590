"""What a metric is, and what most of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from trainer.evals.case import Answer, Case

# unit → the least and the most that a score can be
RANGES: dict[str, tuple[float, float]] = {
    "share": (0, 1),
    "points": (0, 100),
    "ratio": (0, float("inf")),
    "nats": (0, float("inf")),
    "seconds": (0, float("inf")),
    "tokens": (0, float("inf")),
}
BETTER = ("higher", "lower", "")

Weighted = Callable[[Any], float]  # how often each row counts, an array of (rows,) → the corpus figure


@runtime_checkable
class Metric(Protocol):
    """How good answers are. `unit` is one of RANGES, `better` one of "higher", "lower" and "" for neither."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def better(self) -> str: ...

    def applies(self, case: Case) -> bool:
        """Whether this metric has something to say about the case."""
        ...

    def score(self, case: Case, answer: Answer) -> float:
        """Of one answer, within the unit's range. Of a share, 1 is right."""
        ...

    def pool(self, cases: Sequence[Case], answers: Sequence[Answer]) -> float | None:
        """The figure of all answers together, where it is not the mean of their scores; else None."""
        ...


class Measure(BaseModel):
    """A metric whose fields are its arguments. It is a share, scores every case that says what is expected, and its
    figure is the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: ClassVar[str]
    unit: ClassVar[str] = "share"
    better: ClassVar[str] = "higher"

    def applies(self, case: Case) -> bool:
        return bool(case.expected) or not case.checks

    def pool(self, cases: Sequence[Case], answers: Sequence[Answer]) -> float | None:
        return None


class Pooled(Measure):
    """A metric whose figure is not the mean. It gives `weighted`, and from that the figure and its interval follow."""

    def weighted(self, cases: Sequence[Case], answers: Sequence[Answer]) -> Weighted:
        """The figure as a function of how often each row counts, so that resampling needs no row twice."""
        raise NotImplementedError

    def pool(self, cases: Sequence[Case], answers: Sequence[Answer]) -> float | None:
        import numpy as np

        return self.weighted(cases, answers)(np.ones(len(cases))) if cases else None
