"""What an evaluation leaves: every answer, the figures, and the verdict. Frozen, and JSON both ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from trainer.errors import BadInput
from trainer.evals.case import Answer, Contestant
from trainer.evals.stats import Interval
from trainer.types import ChatMessage, GateVerdict


@dataclass(frozen=True, slots=True)
class Row:
    """One case as everybody answered it; `answers` and `scores` by contestant, scores then by metric."""

    suite: str
    id: str
    messages: tuple[ChatMessage, ...]
    expected: str
    answers: dict[str, Answer]
    scores: dict[str, dict[str, float]]
    slices: dict[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one contestant. `unit`: "share" (0 to 1, shown as %), "points" (0 to 100), "ratio", "nats",
    "seconds", "tokens". `better`: "higher", "lower", or "" where neither is."""

    n: int
    value: Interval
    unit: str = "share"
    better: str = "higher"


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """Base and candidate on the test set, over the rows that the metric applies to. p by exact McNemar where a row
    is right or wrong, else by paired bootstrap. Means are of the rows' scores."""

    n: int
    base: Interval
    tuned: Interval
    difference: Interval
    p: float
    base_mean: float
    tuned_mean: float
    unit: str = "share"
    better: str = "higher"


@dataclass(frozen=True, slots=True)
class Regression:
    """What became of the rows that the base answers rightly; `share` is of those kept."""

    suite_rows: int
    base_right: int
    kept: int
    share: Interval
    left_out: int = 0  # rows not scored, because the training data holds their prompt


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidate against one other contestant, on one metric of one suite (or of one slice, `task=copy`), paired.
    A win is a row that only the candidate has right, or has better."""

    suite: str
    metric: str
    against: str
    n: int
    wins: int
    losses: int
    ties: int
    difference: Interval
    p: float
    how: str  # "mcnemar-exact", "paired-bootstrap", "cluster-bootstrap" …
    slice: str = ""
    p_holm: float | None = None  # corrected over the family that it is one of
    detectable: float | None = None  # the smallest true gain that so many rows show, mostly
    more_rows: int | None = None  # about so many more would tell


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """One suite: `figures` by metric, then contestant; `kept` by contestant that the candidate is held against."""

    name: str
    role: str
    sha256: str
    rows: int
    primary: str
    figures: dict[str, dict[str, Figure]]
    kept: dict[str, Regression] = field(default_factory=dict)
    left_out: int = 0  # rows not asked, because the training data holds their prompt
    notes: tuple[str, ...] = ()


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
class Finding:
    """One thing that the gate looked at. `code` is for programs: better, no_gain, forgot, unsafe …"""

    verdict: GateVerdict
    code: str
    reason: str
    more: int | None = None  # so many more rows would tell
    suite: str = ""


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """What a language model said as a judge, and how far it can be trusted. Wins are the candidate's; a pair whose
    two orders disagree is a tie."""

    model: str
    kind: str  # "pairwise" | "rubric"
    rubric: str
    prompt_sha256: str
    rows: int
    against: str
    wins: int = 0
    losses: int = 0
    ties: int = 0
    scores: dict[str, dict[str, Interval]] = field(default_factory=dict)  # rubric: criterion → contestant, 0 to 10
    consistency: float | None = None  # share of pairs on which both orders agree
    first_share: float | None = None  # how often the answer shown first was chosen, of all that chose
    length_bias: float | None = None  # how much more often the longer answer was chosen, −1 to 1
    kappa: float | None = None  # Cohen's, with people
    alpha: float | None = None  # Krippendorff's, with people
    labels: int = 0  # rows that people had labelled, too
    advisory: bool = True
    benched: str = ""  # why nobody should listen to it; "" where somebody may
    unparsable: int = 0  # rows without a judgement
    cost_usd: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvalReport:
    """The evidence on one candidate. `metrics` and `regression` are of the candidate against its base, on the test set
    and on what the base carries of old skills; `suites` and `comparisons` hold everybody and everything. `slices` are
    keyed `suite/key=value`."""

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
    rows: tuple[Row, ...] = field(default=(), repr=False)
    contestants: tuple[Contestant, ...] = ()
    findings: tuple[Finding, ...] = ()
    suites: dict[str, SuiteReport] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    judges: tuple[JudgeReport, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader must know beside the reasons
    registered: dict[str, Any] = field(default_factory=dict)  # {"digest", "approval", "by", "at"}; {} where it was not
    looks: int = 1  # how often this test split was looked at, this time included

    def to_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> EvalReport:
        """The report again. Raises BadInput when the value is none."""
        try:
            return msgspec.convert(value, cls)
        except msgspec.ValidationError as error:
            raise BadInput(f"This is no evaluation report: {error}.") from None
