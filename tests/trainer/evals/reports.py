"""Reports made by hand, for whatever shows them: every field is filled, no model was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER, Answer, Contestant
from trainer.evals.gate import GateSpec, JudgeRule, SuiteRule
from trainer.evals.outcome import (
    Comparison,
    Contamination,
    EvalReport,
    Figure,
    Finding,
    JudgeReport,
    MetricSummary,
    Regression,
    Row,
    SliceSummary,
    SuiteReport,
)
from trainer.evals.stats import Interval
from trainer.types import ChatMessage, GateVerdict

FOUR = (
    Contestant(BASE, "tiny-base"),
    Contestant(FEW_SHOT, "tiny-base", shots=4),
    Contestant(HOLDER, "ft:tiny-base:T0:v1:aaaa1111"),
    Contestant(CANDIDATE, "ft:tiny-base:T0:v2:bbbb2222"),
)
GATE = GateSpec(
    good_enough=0.9,
    alias="tickets-prod",
    few_shot=4,
    suites=(SuiteRule(suite="refusals", by="twin"),),
    judge=JudgeRule(model="house-judge"),
)
STOP = "exact_match reaches the 90 % that is good enough: stop here."
SHARES = {BASE: 0.0, FEW_SHOT: 0.25, HOLDER: 0.6, CANDIDATE: 0.95}
SECONDS = {BASE: 1.2, FEW_SHOT: 1.9, HOLDER: 0.9, CANDIDATE: 0.8}


def around(estimate: float, spread: float = 0.05, n: int = 80, *, clip: bool = True) -> Interval:
    low, high = estimate - spread, estimate + spread
    return Interval(estimate, max(0.0, low) if clip else low, min(1.0, high) if clip else high, n, 0.95, "wilson")


def judge(**changes: Any) -> JudgeReport:
    told = JudgeReport(
        "house-judge",
        "pairwise",
        "helpfulness",
        "ab" * 32,
        rows=80,
        against=BASE,
        wins=41,
        losses=12,
        ties=27,
        consistency=0.81,
        first_share=0.55,
        length_bias=0.1,
        kappa=0.42,
        alpha=0.40,
        labels=60,
    )
    return replace(told, **changes)


def row(number: int, said: str, *, right: bool, base: str = "I do not know", suite: str = "test") -> Row:
    """Every contestant but the candidate gives `base`'s answer, which is wrong."""
    answers = {contestant.key: Answer(base, tokens=5, seconds=1.2) for contestant in FOUR}
    scores: dict[str, dict[str, float]] = {contestant.key: {"exact_match": 0.0} for contestant in FOUR}
    answers[CANDIDATE], scores[CANDIDATE] = Answer(said, tokens=7, seconds=0.8), {"exact_match": float(right)}
    asked = (ChatMessage("system", "Answer as JSON."), ChatMessage("user", f"ticket {number}"))
    return Row(suite, f"line-{number}", asked, f'{{"n": {number}}}', answers, scores, slices={"task": "copy"})


ROWS = tuple(row(n, f'{{"n": {n if n % 4 else -1}}}', right=bool(n % 4)) for n in range(1, 13))


def report(verdict: str = "PASS", code: str = "better", **changes: Any) -> EvalReport:
    """80 test rows, of which the base has 0 right and the candidate 76; of 60 old skills it keeps 58."""
    gain = f"exact_match: +95 points (0 → 76 of 80, p {'< 0.001' if verdict == 'PASS' else '0.4'})."
    kept = "Of 60 old skills' rows 58 are kept."
    found = GateVerdict(verdict)
    good = GateVerdict.PASS
    made = EvalReport(
        candidate="candidate",
        verdict=found,
        code=code,
        reasons=(gain, kept, STOP),
        gate=GATE.model_dump(mode="json"),
        test_rows=80,
        metrics={
            "exact_match": MetricSummary(80, around(0.0), around(0.95), around(0.95, clip=False), 1e-9, 0.0, 0.95),
            "latency": MetricSummary(
                80, _slow(BASE), _slow(CANDIDATE), around(-0.4, clip=False), 0.001, 1.2, 0.8, "seconds", "lower"
            ),
        },
        regression=Regression(64, 60, 58, around(0.967, 0.04)),
        slices={"test/task=copy": SliceSummary(40, 0, 38, 0), "old-skills/task=sums": SliceSummary(20, 20, 18, 18)},
        contamination=Contamination(checked=True),
        minimum_detectable_effect=0.11,
        more_test_rows=None,
        more_regression_rows=None,
        rows=ROWS,
        contestants=FOUR,
        findings=(
            Finding(good if code == "forgot" else found, "better", gain, suite="test"),
            Finding(found if code == "forgot" else good, "forgot", kept, suite="old-skills"),
        ),
        suites={
            "test": SuiteReport(
                "test", "test", "12" * 32, 80, "exact_match", {"exact_match": _shares(), "latency": _seconds()}
            ),
            "old-skills": SuiteReport(
                "old-skills",
                "regression",
                "34" * 32,
                64,
                "exact_match",
                {"exact_match": _shares(base=0.94, candidate=0.91)},
                kept={BASE: Regression(64, 60, 58, around(0.967, 0.04))},
            ),
        },
        comparisons=(
            _duel(BASE, 76, 0, 0.95),
            _duel(HOLDER, 30, 2, 0.35),
            _duel(BASE, 30, 0, 0.75, slice="task=copy", p_holm=0.002),
            _duel(BASE, 2, 8, -0.15, slice="task=sums", p_holm=0.04),
        ),
        judges=(judge(),),
        notes=("3 of 80 answers of the candidate ran into the token limit.",),
        registered={"digest": GATE.digest, "approval": "appr-1", "by": "U0ADA00001", "at": 1_790_000_000.0},
    )
    return replace(made, **changes)


def old_style(verdict: str = "PASS") -> dict[str, Any]:
    """As rows of the database were before there were contestants and suites."""
    whole = report(verdict).to_dict()
    later = ("contestants", "findings", "suites", "comparisons", "judges", "notes", "registered", "looks", "rows")
    metrics = {"exact_match": {k: v for k, v in whole["metrics"]["exact_match"].items() if k not in ("unit", "better")}}
    return {k: v for k, v in whole.items() if k not in later} | {"metrics": metrics, "rows_sha256": "0" * 64}


def _slow(key: str) -> Interval:
    return around(SECONDS[key], 0.2, clip=False)


def _shares(base: float | None = None, candidate: float | None = None) -> dict[str, Figure]:
    said = SHARES | {k: v for k, v in ((BASE, base), (CANDIDATE, candidate)) if v is not None}
    return {key: Figure(80, around(share)) for key, share in said.items()}


def _seconds() -> dict[str, Figure]:
    return {key: Figure(80, _slow(key), "seconds", "lower") for key in SECONDS}


def _duel(against: str, wins: int, losses: int, gain: float, **more: Any) -> Comparison:
    told = around(gain, 0.08, clip=False)
    ties = 80 - wins - losses
    return Comparison("test", "exact_match", against, 80, wins, losses, ties, told, 0.001, "mcnemar-exact", **more)
