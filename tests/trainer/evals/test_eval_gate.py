"""The gate's verdicts on evidence whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.trainer.evals.counts import evidence, gain, retention, sliced
from trainer.evals.case import HOLDER, Role
from trainer.evals.gate import Gain, GateSpec, JudgeRule, Level, SuiteRule, advised_rows, decide
from trainer.evals.outcome import JudgeReport
from trainer.evals.stats import Paired, difference, wilson
from trainer.types import GateVerdict

PASS, FAIL, OPEN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.INCONCLUSIVE
KEPT = {"regression_rows": 95, "kept": 92}


@pytest.mark.parametrize(
    ("pairs", "rest", "verdict", "code"),
    [
        (Paired(45, 0, 0, 40), KEPT, PASS, "better"),
        (Paired(45, 0, 0, 40), {"regression_rows": 95, "kept": 0}, FAIL, "forgot"),
        (Paired(45, 0, 0, 40), {"regression_rows": 95, "kept": 72}, FAIL, "forgot"),
        (Paired(45, 0, 0, 40), {"regression_rows": 95, "kept": 88}, OPEN, "loss_unclear"),
        (Paired(45, 0, 0, 40), {"regression_rows": 20, "kept": 20}, OPEN, "loss_unclear"),
        (Paired(45, 0, 0, 40), {}, OPEN, "no_regression_rows"),
        (Paired(45, 0, 0, 0), KEPT, OPEN, "not_shown"),  # nobody right on 45 rows: not better, and not known
        (Paired(200, 0, 0, 0), KEPT, FAIL, "no_gain"),
        (Paired(200, 100, 20, 2), KEPT, FAIL, "worse"),
        (Paired(100, 50, 4, 9), KEPT, OPEN, "not_shown"),
        (Paired(1000, 500, 10, 32), KEPT, FAIL, "no_gain"),  # surely better, surely not by five points
        (Paired(600, 300, 10, 37), KEPT, OPEN, "not_shown"),
        (Paired(19, 0, 0, 19), KEPT, OPEN, "too_few_rows"),
        (Paired(100, 0, 0, 100), {**KEPT, "contaminated": 1}, FAIL, "contaminated"),
    ],
)
def test_verdicts(pairs: Paired, rest: dict[str, int], verdict: GateVerdict, code: str) -> None:
    decision = decide(GateSpec(), evidence(pairs, **rest))
    assert (decision.verdict, decision.code) == (verdict, code)
    assert all(reason.endswith(".") for reason in decision.reasons)


def test_an_open_verdict_says_how_many_rows_would_tell() -> None:
    decision = decide(GateSpec(), evidence(Paired(50, 25, 2, 6), regression_rows=20, kept=20))
    assert decision.more_test_rows and f"{decision.more_test_rows:,} more test rows" in decision.reasons[0]
    assert decision.more_regression_rows == 15


def test_the_validity_floor() -> None:
    found = evidence(Paired(45, 0, 0, 40), valid_json=40, json_rows=45, **KEPT)
    assert decide(GateSpec(validity_floor=0.95), found).code == "invalid_json"
    assert decide(GateSpec(validity_floor=0.85), found).verdict is PASS
    assert decide(GateSpec(), found).verdict is PASS


def test_regression_may_be_waived_but_is_still_said() -> None:
    decision = decide(GateSpec(regression_required=False), evidence(Paired(45, 0, 0, 40)))
    assert decision.verdict is PASS and "unknown" in decision.reasons[1]


TESTED = Paired(100, 20, 5, 45)  # better for certain
REFUSALS = SuiteRule(suite="refusal-twins", role=Role.SAFETY, by="twin")


def verdict(spec: GateSpec, **more: Any) -> tuple[GateVerdict, str, str]:
    """Of a candidate that is better than its base and keeps its old skills, and of what comes on top; with the reason
    that decides."""
    found = replace(evidence(TESTED, **KEPT), **more)
    decision = decide(spec, found)
    reason = next(f.reason for f in decision.findings if f.code == decision.code)
    return decision.verdict, decision.code, reason


@pytest.mark.parametrize(
    ("asked", "pairs", "wanted"),
    [
        ("superior", Paired(100, 60, 4, 24), (PASS, "better")),
        ("superior", Paired(100, 65, 4, 6), (OPEN, "not_shown")),
        ("superior", Paired(100, 50, 30, 5), (FAIL, "below_holder")),
        ("superior", Paired(1000, 650, 20, 30), (FAIL, "no_gain")),
        ("not_inferior", Paired(1000, 650, 20, 30), (PASS, "better")),
        ("not_inferior", Paired(100, 60, 6, 6), (OPEN, "not_shown")),
        ("not_inferior", Paired(300, 150, 60, 5), (FAIL, "below_holder")),
        ("reported", Paired(300, 150, 60, 5), (PASS, "better")),
    ],
)
def test_the_model_that_serves_now_is_to_be_beaten_too(asked: Any, pairs: Paired, wanted: Any) -> None:
    gains = (gain(TESTED), gain(pairs, HOLDER))
    assert verdict(GateSpec(holder=asked), gains=gains)[:2] == wanted


def test_what_the_holder_answers_rightly_counts_as_well() -> None:
    lost = (retention(95, 92), retention(280, 112, against=HOLDER))
    outcome = verdict(GateSpec(), retentions=lost)
    assert outcome[:2] == (FAIL, "forgot")
    assert outcome[2] == (
        "old-skills: of 280 rows that the model that serves now answers rightly 112 are kept; "
        "lost 60.0 % (54.2 to 65.6). More than the 10 % allowed is forgotten."
    )


@pytest.mark.parametrize(
    ("value", "kept", "wanted"),
    [
        ("harmful", 60, (PASS, "better")),
        ("harmful", 30, (FAIL, "unsafe")),
        ("harmless", 30, (FAIL, "over_refuses")),
        ("harmful", 55, (OPEN, "loss_unclear")),
    ],
)
def test_each_twin_is_judged_alone(value: str, kept: int, wanted: Any) -> None:
    other = "harmless" if value == "harmful" else "harmful"
    twins = [retention(60, kept, REFUSALS, value=value), retention(600, 600, REFUSALS, value=other)]
    outcome = verdict(GateSpec(suites=(REFUSALS,)), retentions=(retention(95, 92), *twins))
    assert outcome[:2] == wanted
    assert wanted[0] is PASS or outcome[2].startswith(f"refusal-twins, twin {value}: of 60 rows")


@pytest.mark.parametrize(
    ("role", "floor", "right", "wanted"),
    [
        (Role.BEHAVIOUR, 0.95, 19, (PASS, "better")),  # a list of what must work
        (Role.BEHAVIOUR, 1.0, 19, (FAIL, "below_floor")),
        (Role.SAFETY, 0.95, 20, (OPEN, "floor_unclear")),  # a sample: 20 of 20 may well be 85 %
        (Role.SAFETY, 0.80, 20, (PASS, "better")),
        (Role.SAFETY, 0.95, 10, (FAIL, "below_floor")),
    ],
)
def test_floors(role: Role, floor: float, right: int, wanted: Any) -> None:
    rule = SuiteRule(suite="manners", role=role, floor=floor)
    levels = (Level(rule, right, 20, wilson(right, 20)),)
    assert verdict(GateSpec(suites=(rule,)), levels=levels)[:2] == wanted


def test_a_suite_that_was_not_run_or_is_another_is_named() -> None:
    for field, code in (("missing", "suite_missing"), ("changed", "suite_changed"), ("unsliced", "slice_missing")):
        outcome = verdict(GateSpec(suites=(REFUSALS,)), **{field: (REFUSALS,)})
        assert outcome[:2] == (OPEN, code) and outcome[2].startswith("refusal-twins: ")
    idle = REFUSALS.model_copy(update={"required": False})
    assert verdict(GateSpec(suites=(idle,)), missing=(idle,))[0] is PASS


def test_where_there_is_nothing_to_keep_it_is_said() -> None:
    twins = retention(0, 0, REFUSALS, value="harmful")
    decision = decide(GateSpec(), replace(evidence(TESTED, **KEPT), retentions=(retention(95, 92), twins)))
    assert decision.verdict is PASS and "twin harmful: the base answers no row rightly" in decision.notes[0]


def test_a_slice_that_is_surely_worse_blocks_and_chance_does_not() -> None:
    calm = [Paired(40, 20, 2, 8)] * 9
    assert verdict(GateSpec(), slices=sliced([*calm, Paired(40, 20, 6, 1)]))[0] is PASS  # p 0.125
    outcome = verdict(GateSpec(), slices=sliced([*calm, Paired(40, 20, 18, 0)]))
    assert outcome[:2] == (FAIL, "slice_worse")
    assert outcome[2].startswith("task=9: -45.0 points") and "after Holm" in outcome[2]


def test_rows_that_drop_out_are_named() -> None:
    outcome = verdict(GateSpec(), unscored=("test/line-3",))
    assert outcome[:2] == (OPEN, "rows_unscored") and "test/line-3" in outcome[2]


def judge(**more: Any) -> JudgeReport:
    return JudgeReport("house-judge", "pairwise", "helpfulness", "", 60, "base", advisory=False, **more)


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        (judge(wins=10, losses=40, ties=10), (FAIL, "judge_prefers_base")),
        (judge(wins=20, losses=30, ties=10), (PASS, "better")),
        (judge(wins=60, losses=0), (PASS, "better")),
        (replace(judge(wins=10, losses=40), advisory=True), (PASS, "better")),
        (replace(judge(wins=10, losses=40), benched="it prefers the first answer"), (PASS, "better")),
        (replace(judge(wins=10, losses=40), model="another"), (PASS, "better")),
    ],
)
def test_only_a_judge_whom_people_trust_may_stop_a_candidate(report: JudgeReport, wanted: Any) -> None:
    spec = GateSpec(judge=JudgeRule(model="house-judge"))
    assert verdict(spec, judges=(report,))[:2] == wanted
    notes = decide(spec, replace(evidence(TESTED, **KEPT), judges=(report,))).notes
    assert wanted[0] is FAIL or "house-judge" in notes[0] or "another" in notes[0]
    assert ("benched" in "".join(notes)) == bool(report.benched)


def test_no_judge_makes_a_candidate_pass() -> None:
    spec = GateSpec(judge=JudgeRule(model="house-judge"))
    found = replace(evidence(Paired(100, 50, 4, 6), **KEPT), judges=(judge(wins=60, losses=0),))
    assert decide(spec, found).verdict is OPEN


@pytest.mark.parametrize(
    ("enough", "said"),
    [
        (None, "nothing more was asked for"),
        (0.6, "reaches the 60 %"),
        (0.8, "65.0 %; 80 % would be good enough: 15.0 points to go"),
    ],
)
def test_it_is_said_when_to_stop(enough: float | None, said: str) -> None:
    assert said in decide(GateSpec(good_enough=enough), evidence(TESTED, **KEPT)).reasons[-1]


def scored_gain(before: list[float], after: list[float], unit: str, better: str) -> Gain:
    bounds = (0.0, 1.0) if unit == "share" else None
    found = difference(before, after, better=better, bounds=bounds)
    return Gain(found, sum(before) / len(before), sum(after) / len(after), unit=unit, better=better)


@pytest.mark.parametrize(
    ("unit", "better", "step", "wanted"),
    [
        ("share", "higher", 0.1, (PASS, "better")),
        ("share", "higher", -0.1, (FAIL, "worse")),
        ("share", "higher", 0.01, (FAIL, "no_gain")),
        ("seconds", "lower", -0.1, (PASS, "better")),
        ("seconds", "lower", 0.1, (FAIL, "worse")),
        ("nats", "lower", -0.01, (FAIL, "no_gain")),  # 2 % less, and 5 % would be worth it
    ],
)
def test_primaries_that_are_more_than_right_or_wrong(unit: str, better: str, step: float, wanted: Any) -> None:
    before = [0.3 + 0.01 * (n % 40) for n in range(80)]
    after = [score + step + 0.001 * (n % 7) for n, score in enumerate(before)]
    outcome = verdict(GateSpec(primary="measured"), gains=(scored_gain(before, after, unit, better),))
    assert outcome[:2] == wanted
    assert ("less is better" in outcome[2]) == (better == "lower")


@pytest.mark.parametrize("pairs", [Paired(600, 300, 10, 37), Paired(400, 200, 25, 40), Paired(100, 50, 7, 6)])
def test_an_open_question_names_the_rows_or_says_that_none_would_do(pairs: Paired) -> None:
    decision = decide(GateSpec(), evidence(pairs, **KEPT))
    assert decision.verdict is OPEN
    assert decision.more_test_rows or "no test set" in decision.reasons[0]


def test_advice_before_training() -> None:
    plain, held = advised_rows(GateSpec()), advised_rows(GateSpec(), holder=True)
    assert (plain.test_rows, plain.regression_rows) == (111, 128)
    assert held.test_rows and plain.test_rows and held.test_rows > plain.test_rows
    assert advised_rows(GateSpec(alias="prod")) == held
    assert advised_rows(GateSpec(target_effect=0.05)).test_rows is None
    assert advised_rows(GateSpec(suites=(REFUSALS,))).suites.keys() == {"old-skills", "refusal-twins"}
    assert "111 test rows" in plain.sentence
