"""What an evaluation counted, as the gate needs it; and what the gate makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.evals.case import BASE, HOLDER
from trainer.evals.gate.spec import SuiteRule
from trainer.evals.outcome import Finding, JudgeReport
from trainer.evals.stats import Difference, Interval
from trainer.types import GateVerdict


@dataclass(frozen=True, slots=True)
class Gain:
    """The candidate against one other on the primary metric of the test set, or of one slice of it (`task=copy`).
    `before` and `after` are the means, in the metric's unit; the difference is positive where the candidate is
    better, whichever way the metric runs."""

    difference: Difference
    before: float
    after: float
    against: str = BASE
    unit: str = "share"
    better: str = "higher"
    slice: str = ""
    p_holm: float = 1.0  # corrected over all slices against the same one

    def scaled(self, share: float) -> float:
        """A share of the spec in this unit: of shares and points it is itself, of anything else the share of what
        the other one has (5 % faster, 5 % less perplexity)."""
        if self.unit == "share":
            return share
        return share * 100 if self.unit == "points" else share * abs(self.before)


@dataclass(frozen=True, slots=True)
class Retention:
    """Of the rows of one suite (or of one `value` of the slice that its rule names) that `against` answers rightly,
    `kept` are still right. `lost` is the share that is not. Where scores are more than right or wrong, `gain` holds
    them instead."""

    rule: SuiteRule
    right: int
    kept: int
    lost: Interval
    against: str = BASE
    value: str = ""
    gain: Gain | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """How many rows of a suite, or of one slice value of it, the candidate answers rightly."""

    rule: SuiteRule
    right: int
    rows: int
    share: Interval
    value: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`gains` begin with the one against the base. `missing` are rules of suites of which no row was answered,
    `changed` those whose suite is not the one that was registered, `unsliced` those whose slice key no row has;
    `unscored` are rows (`suite/id`) that have a primary score for some contestants only."""

    gains: tuple[Gain, ...]
    retentions: tuple[Retention, ...] = ()
    levels: tuple[Level, ...] = ()
    slices: tuple[Gain, ...] = ()
    missing: tuple[SuiteRule, ...] = ()
    changed: tuple[SuiteRule, ...] = ()
    unsliced: tuple[SuiteRule, ...] = ()
    valid_json: int = 0
    json_rows: int = 0
    contaminated: int = 0  # test prompts that the training data holds
    unscored: tuple[str, ...] = ()
    judges: tuple[JudgeReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, a code for programs, sentences for people, and how many more rows would tell. `notes` have no say
    in the verdict."""

    verdict: GateVerdict
    code: str
    reasons: tuple[str, ...]
    more_test_rows: int | None = None
    more_regression_rows: int | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


NAMES = {BASE: "the base", HOLDER: "the model that serves now"}


def called(against: str) -> str:
    """A contestant as sentences call it."""
    return NAMES.get(against, against)
