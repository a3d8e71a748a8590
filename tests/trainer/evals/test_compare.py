"""From rows to the report: any number of contestants, suites, slices and groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.errors import BadInput
from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER, Answer, Case, Check, Contestant, Role, Suite
from trainer.evals.compare import compare
from trainer.evals.gate import GateSpec, SuiteRule
from trainer.evals.outcome import Contamination, EvalReport, Row
from trainer.evals.stats import Paired, holm, mcnemar_exact, paired_interval
from trainer.types import ChatMessage, GateVerdict

PASS, FAIL, OPEN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.INCONCLUSIVE
Score = Callable[[int], float]
ROLES = {"test": Role.TEST, "old-skills": Role.REGRESSION, "refusal-twins": Role.SAFETY, "summaries": Role.REGRESSION}


def all_right(_: int) -> float:
    return 1.0


def none_right(_: int) -> float:
    return 0.0


def suite(
    name: str, n: int, primary: str = "exact_match", slices: Callable[[int], dict[str, str]] = lambda _: {}
) -> Suite:
    cases = [Case(f"{name}-{i}", (ChatMessage("user", f"{name} {i}"),), f"say {i}", slices(i)) for i in range(n)]
    return Suite(name, "a" * 64, tuple(cases), ROLES[name], primary, (Check(primary),))


def rows(
    of: Suite, metric: str = "exact_match", group: Callable[[int], str] = lambda _: "", **scores: Score
) -> list[Row]:
    def row(i: int, case: Case) -> Row:
        answers = {key: Answer(case.expected if score(i) >= 1 else "no") for key, score in scores.items()}
        found = {key: {metric: score(i)} for key, score in scores.items()}
        return Row(of.name, case.id, case.messages, case.expected, answers, found, dict(case.slices), group(i))

    return [row(i, case) for i, case in enumerate(of.cases)]


def who(*keys: str) -> list[Contestant]:
    return [Contestant(key, f"model-{key}") for key in keys]


def run(
    *parts: tuple[Suite, Sequence[Row]],
    keys: Sequence[str] = (BASE, CANDIDATE),
    spec: GateSpec | None = None,
    leaks: int = 0,
    **more: Any,
) -> EvalReport:
    report = compare(
        spec or GateSpec(),
        suites=[one for one, _ in parts],
        contestants=who(*keys),
        rows=[row for _, some in parts for row in some],
        contamination=Contamination(True, leaks),
        **more,
    )
    assert EvalReport.from_dict(report.to_dict()) == report
    return report


TEST, OLD = suite("test", 60), suite("old-skills", 60)


def old(**scores: Score) -> tuple[Suite, list[Row]]:
    return OLD, rows(OLD, **({BASE: all_right, CANDIDATE: all_right} | scores))


def test_figures_are_those_of_the_counts() -> None:
    base: Score = lambda i: float(i % 3 == 0)  # noqa: E731
    tuned: Score = lambda i: float(i % 3 == 0 or i % 2 == 0)  # noqa: E731
    report = run((TEST, rows(TEST, base=base, candidate=tuned)), old())
    pairs = Paired.of([base(i) == 1 for i in range(60)], [tuned(i) == 1 for i in range(60)])
    found, one = report.metrics["exact_match"], report.comparisons[0]
    assert (found.difference, found.p) == (paired_interval(pairs), mcnemar_exact(pairs.base_only, pairs.tuned_only))
    assert (one.suite, one.against, one.how) == ("test", BASE, "mcnemar-exact")
    assert (one.wins, one.losses, one.ties) == (pairs.tuned_only, pairs.base_only, 60 - pairs.tuned_only)
    assert report.suites["test"].figures["exact_match"][CANDIDATE].value.estimate == pairs.tuned_right / 60
    assert report.regression and (report.regression.base_right, report.regression.kept) == (60, 60)
    assert (report.verdict, report.code, report.candidate) == (PASS, "better", "model-candidate")
    assert report.findings[0].reason == report.reasons[0]


def test_everybody_is_compared_and_the_families_are_corrected() -> None:
    keys = (BASE, FEW_SHOT, HOLDER, "rival", CANDIDATE)
    shares = {BASE: 10, FEW_SHOT: 20, HOLDER: 40, "rival": 59, CANDIDATE: 58}
    tested = rows(TEST, **{key: (lambda i, k=k: float(i < k)) for key, k in shares.items()})
    kept = rows(OLD, **dict.fromkeys(keys, all_right))
    report = run((TEST, tested), (OLD, kept), keys=keys, spec=GateSpec(alias="prod"))
    assert report.verdict is PASS
    assert {(one.suite, one.against) for one in report.comparisons} == {
        (name, key) for name in ("test", "old-skills") for key in keys if key != CANDIDATE
    }
    for key in (BASE, FEW_SHOT, HOLDER, "rival"):
        family = [one for one in report.comparisons if one.against == key]
        assert [one.p_holm for one in family] == holm([one.p for one in family])
    rival = next(one for one in report.comparisons if one.against == "rival" and one.suite == "test")
    assert (rival.wins, rival.losses) == (0, 1) and rival.more_rows
    assert set(report.suites["old-skills"].kept) == {BASE, HOLDER}
    assert sum("The candidate is better" in reason for reason in report.reasons) == 2


def test_a_holder_who_is_as_good_keeps_its_place() -> None:
    tested = rows(TEST, base=none_right, holder=all_right, candidate=all_right)
    report = run((TEST, tested), old(holder=all_right), keys=(BASE, HOLDER, CANDIDATE))
    assert report.verdict is not PASS and report.findings[0].code == "better"
    alone = run((TEST, rows(TEST, base=none_right, candidate=all_right)), old(), spec=GateSpec(alias="prod"))
    assert alone.verdict is PASS and any("Nobody serves as prod" in note for note in alone.notes)


def test_a_slice_that_lost_is_named_though_the_whole_gained() -> None:
    tasks = suite("test", 120, slices=lambda i: {"task": "sum" if i < 30 else "copy", "odd": str(i % 2)})
    base: Score = lambda i: float(i < 30)  # noqa: E731
    report = run((tasks, rows(tasks, base=base, candidate=lambda i: 1 - base(i))), old())
    assert (report.verdict, report.code) == (FAIL, "slice_worse")
    assert any(reason.startswith("task=sum: -100.0 points") for reason in report.reasons)
    named = {one.slice: one for one in report.comparisons if one.slice}
    assert named.keys() == {"task=sum", "task=copy"}  # `odd` is no slice of the gate
    assert named["task=sum"].p_holm and named["task=sum"].losses == 30
    assert report.slices["test/task=sum"].kept == 0 and report.slices["test/odd=1"].n == 60


TWINS = suite("refusal-twins", 120, slices=lambda i: {"twin": "harmful" if i % 2 else "benign"})
SAFE = GateSpec(suites=(SuiteRule(suite="refusal-twins", role=Role.SAFETY, by="twin"),))


@pytest.mark.parametrize(("lost", "code"), [("harmful", "unsafe"), ("benign", "over_refuses"), ("nothing", "better")])
def test_twins(lost: str, code: str) -> None:
    answered = {"harmful": 1, "benign": 0, "nothing": 2}[lost]
    twins = rows(TWINS, base=all_right, candidate=lambda i: float(i % 2 != answered))
    report = run((TEST, rows(TEST, base=none_right, candidate=all_right)), old(), (TWINS, twins), spec=SAFE)
    assert report.code == code
    assert lost == "nothing" or any(f"refusal-twins, twin {lost}: of 60 rows" in said for said in report.reasons)


def test_a_suite_that_was_not_run_leaves_it_open() -> None:
    report = run((TEST, rows(TEST, base=none_right, candidate=all_right)), old(), spec=SAFE)
    assert (report.verdict, report.code) == (OPEN, "suite_missing") and "refusal-twins" in report.reasons[2]
    rule = SAFE.suites[0].model_copy(update={"sha256": "b" * 64})
    twins = (TWINS, rows(TWINS, base=all_right, candidate=all_right))
    changed = run((TEST, rows(TEST, base=none_right, candidate=all_right)), old(), twins, spec=GateSpec(suites=(rule,)))
    assert (changed.verdict, changed.code) == (OPEN, "suite_changed")


def test_twins_that_nobody_told_apart_leave_it_open() -> None:
    mixed = suite("refusal-twins", 120)
    twins = rows(mixed, base=all_right, candidate=all_right)
    report = run((TEST, rows(TEST, base=none_right, candidate=all_right)), old(), (mixed, twins), spec=SAFE)
    assert (report.verdict, report.code) == (OPEN, "slice_missing")


def test_a_leak_blocks_before_anything_is_counted() -> None:
    report = run((TEST, []), (OLD, []), leaks=2, looks=3)
    assert (report.verdict, report.code, report.metrics) == (FAIL, "contaminated", {})
    assert report.suites["old-skills"].left_out == 0 and report.test_rows == 60


def test_rows_left_out_are_counted() -> None:
    report = run((TEST, rows(TEST, base=none_right, candidate=all_right)), (OLD, old()[1][:50]))
    assert report.regression and report.regression.left_out == report.suites["old-skills"].left_out == 10


def test_a_score_that_one_model_lacks_is_named() -> None:
    tested = rows(TEST, base=none_right, candidate=all_right)
    del tested[7].scores[CANDIDATE]["exact_match"]
    report = run((TEST, tested), old())
    assert (report.verdict, report.code) == (OPEN, "rows_unscored")
    assert any("test/test-7" in reason for reason in report.reasons)
    unscored = [Row(r.suite, r.id, r.messages, r.expected, r.answers, {BASE: {}, CANDIDATE: {}}) for r in tested]
    assert run((TEST, unscored), old()).code == "too_few_rows"


def test_graded_scores_of_a_suite_must_not_fall() -> None:
    told = suite("summaries", 80, "token_f1")
    spec = GateSpec(suites=(SuiteRule(suite="summaries", margin=0.05),))

    def report(drop: float) -> EvalReport:
        graded = rows(
            told, "token_f1", base=lambda i: 0.5 + i % 10 / 50, candidate=lambda i: 0.5 + i % 10 / 50 - drop * (i % 3)
        )
        return run((TEST, rows(TEST, base=none_right, candidate=all_right)), old(), (told, graded), spec=spec)

    assert report(0.01).verdict is PASS and report(0.2).code == "forgot"
    assert any(one.how == "paired-bootstrap" for one in report(0.01).comparisons)


def test_a_metric_of_which_less_is_better() -> None:
    spec = GateSpec(primary="latency", metrics=())
    timed = rows(TEST, "latency", base=lambda i: 1 + i % 5 / 10, candidate=lambda i: 0.7 + i % 5 / 10)
    report = run((TEST, timed), old(), spec=spec)
    found = report.metrics["latency"]
    assert (found.unit, found.better) == ("seconds", "lower") and found.difference.high < 0
    assert report.comparisons[0].wins == 60 and report.code == "better"
    assert "less is better" in report.reasons[0] and "-0.3 s" in report.reasons[0]


def test_rows_of_one_group_are_counted_together() -> None:
    base: Score = lambda i: float(i >= 30)  # noqa: E731
    plain = rows(TEST, base=base, candidate=all_right)
    grouped = rows(TEST, group=lambda i: f"talk-{i // 15}", base=base, candidate=all_right)
    assert run((TEST, plain), old()).verdict is PASS
    report = run((TEST, grouped), old())
    assert report.verdict is OPEN and "only 4 groups" in report.reasons[0]
    assert any("fewer than 10 groups" in note for note in report.notes)


@pytest.mark.parametrize(("looks", "said"), [(2, "2nd"), (4, "4th"), (11, "11th"), (23, "23rd")])
def test_a_test_set_that_was_looked_at_before_says_so(looks: int, said: str) -> None:
    report = run((TEST, rows(TEST, base=none_right, candidate=all_right)), old(), looks=looks, notes=("Mind the gap.",))
    assert f"This is the {said} candidate judged on this test split" in report.notes[1]
    assert report.notes[0] == "Mind the gap." and report.looks == looks


def test_base_and_candidate_and_a_test_set_are_needed() -> None:
    with pytest.raises(BadInput, match="candidate"):
        run((TEST, []), keys=(BASE,))
    with pytest.raises(BadInput, match="no test suite"):
        run((OLD, []))


@settings(max_examples=25, deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=20, max_size=60),
    least=st.sampled_from([0.0, 0.05]),
    metric=st.sampled_from(["exact_match", "token_f1"]),
    holder=st.sampled_from(["superior", "not_inferior", "reported"]),
)
def test_a_candidate_that_equals_its_base_never_passes(
    scores: list[float], least: float, metric: str, holder: Any
) -> None:
    said = [float(score == 1) if metric == "exact_match" else score for score in scores]
    same: Mapping[str, Score] = dict.fromkeys((BASE, HOLDER, CANDIDATE), lambda i: said[i])
    asked = suite("test", len(said), metric)
    spec = GateSpec(primary=metric, min_effect=least, holder=holder, metrics=())
    assert run((asked, rows(asked, metric, **same)), old(), keys=(BASE, CANDIDATE), spec=spec).verdict is not PASS


def test_mirrored_models_have_mirrored_figures() -> None:
    one, other = (lambda i: float(i % 3 == 0)), (lambda i: float(i % 4 == 0))
    there = run((TEST, rows(TEST, base=one, candidate=other)), old()).comparisons[0]
    back = run((TEST, rows(TEST, base=other, candidate=one)), old()).comparisons[0]
    assert (there.wins, there.losses, there.p) == (back.losses, back.wins, back.p)
    assert there.difference.low == pytest.approx(-back.difference.high)
