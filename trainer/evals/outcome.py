"""What an evaluation leaves: every answer, the figures, and the verdict. Frozen, and JSON both ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from trainer.errors import BadInput
from trainer.evals.stats import Interval
from trainer.types import GateVerdict


@dataclass(frozen=True, slots=True)
class RowResult:
    """One case as both models answered it. `…_cut`: the answer ran into the token limit."""

    suite: str  # "test" | "regression"
    id: str
    slice: str
    expected: str
    base: str
    tuned: str
    base_scores: dict[str, float]
    tuned_scores: dict[str, float]
    base_cut: bool = False
    tuned_cut: bool = False


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """Shares of rows with score 1, over the rows that the metric applies to; p by exact McNemar."""

    n: int
    base: Interval
    tuned: Interval
    difference: Interval
    p: float
    base_mean: float
    tuned_mean: float


@dataclass(frozen=True, slots=True)
class Regression:
    """What became of the rows that the base answers rightly; `share` is of those kept."""

    suite_rows: int
    base_right: int
    kept: int
    share: Interval
    left_out: int = 0  # rows not scored, because the training data holds their prompt


@dataclass(frozen=True, slots=True)
class SliceSummary:
    n: int
    base_right: int
    tuned_right: int
    kept: int  # of those that the base answers rightly


@dataclass(frozen=True, slots=True)
class Contamination:
    """`checked` is False when no training prompts were given to compare with."""

    checked: bool
    test_rows: int = 0
    regression_rows: int = 0
    first_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvalReport:
    """The evidence on one candidate. `metrics` are of the test set; `slices` are keyed `suite/slice`."""

    candidate: str
    verdict: GateVerdict
    code: str
    reasons: tuple[str, ...]
    gate: dict[str, Any]
    test_rows: int
    metrics: dict[str, MetricSummary]
    regression: Regression | None
    slices: dict[str, SliceSummary]
    contamination: Contamination
    minimum_detectable_effect: float  # of a test set of this size, when models differ as they usually do
    more_test_rows: int | None
    more_regression_rows: int | None
    rows: tuple[RowResult, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> EvalReport:
        """The report again. Raises BadInput when the value is none."""
        try:
            return msgspec.convert(value, cls)
        except msgspec.ValidationError as error:
            raise BadInput(f"This is no evaluation report: {error}.") from None
