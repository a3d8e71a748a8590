"""Figures: the right estimate, an interval that holds the truth, and more doubt where rows share groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case
from trainer.evals.metrics import load_metric
from trainer.evals.metrics.custom import Custom
from trainer.evals.metrics.figures import Summary, figure, summary
from trainer.evals.outcome import Figure


def share(name: str, right: Sequence[bool], groups: Sequence[str] | None = None) -> Figure:
    cases = [Case(str(i), (), "yn"[i % 2]) for i in range(len(right))]
    answers = [
        Answer(case.expected if hit else "ny"[i % 2]) for i, (case, hit) in enumerate(zip(cases, right, strict=True))
    ]
    return figure(load_metric(name), cases, answers, groups=groups)


def timed(seconds: Sequence[float], groups: Sequence[str] | None = None, confidence: float = 0.95) -> Figure:
    answers = [Answer("", seconds=each) for each in seconds]
    return figure(load_metric("latency"), [Case("c", ())] * len(answers), answers, confidence, groups)


def test_a_share_has_wilsons_interval() -> None:
    found = share("exact_match", [True] * 40 + [False] * 10)
    low, high = proportion_confint(40, 50, method="wilson")
    assert (found.n, found.unit, found.value.how) == (50, "share", "wilson")
    assert (found.value.estimate, found.value.low, found.value.high) == pytest.approx((0.8, low, high))


def test_a_mean_has_an_interval_that_holds_the_truth_mostly() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        value = timed(rng.exponential(2.0, 80).tolist(), confidence=0.9).value
        held += value.low <= 2.0 <= value.high
    assert 46 <= held <= 60  # 54 expected; fewer than 46 once in 500 times


def test_f1_has_an_interval_that_holds_the_truth_mostly() -> None:
    """With two labels, as frequent and as often mistaken as each other, the true F1 is the share of right answers."""
    rng = np.random.default_rng(2)
    values = [share("f1_macro", (rng.random(100) < 0.7).tolist()).value for _ in range(20)]
    assert sum(value.low <= 0.7 <= value.high for value in values) >= 15  # 19 expected


def test_the_same_rows_give_the_same_figure() -> None:
    seconds = np.random.default_rng(3).random(50).tolist()
    assert timed(seconds) == timed(seconds)


@pytest.mark.parametrize("name", ["exact_match", "f1_micro"])
def test_rows_that_share_groups_leave_more_doubt(name: str) -> None:
    right = [group < 12 for group in range(20) for _ in range(10)]
    groups = [f"talk {group}" for group in range(20) for _ in range(10)]
    alone, together = share(name, right).value, share(name, right, groups).value
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert together.estimate == alone.estimate
    assert share(name, right, [""] * 200).value == alone


def test_the_cases_own_groups_count_where_no_others_are_given() -> None:
    cases = [Case(str(i), (), "a", group=f"g{i // 10}") for i in range(100)]
    answers = [Answer("a" if i < 50 else "b") for i in range(100)]
    assert figure(load_metric("exact_match"), cases, answers).value.how == "wilson-clustered"


def test_all_right_is_not_certain() -> None:
    for name in ("exact_match", "f1_macro"):
        value = share(name, [True] * 20).value
        assert value.estimate == value.high == 1 and value.low < 0.9


def test_other_units_are_no_shares_even_where_all_are_0_or_1() -> None:
    value = timed([1.0] * 10 + [0.0] * 10).value
    assert value.how == "bootstrap" and value.low >= 0
    assert timed([1.0] * 50).value.high > 1


def test_few_rows_and_none() -> None:
    assert share("exact_match", []).value.n == 0 == timed([]).n
    assert figure(load_metric("bleu"), [], []).n == 0
    assert timed([3.0]).value.estimate == 3.0


def test_only_rows_that_the_metric_applies_to_count() -> None:
    cases = [Case("a", (), "[1]"), Case("b", (), "text")]
    assert figure(load_metric("json_validity"), cases, [Answer("[2]"), Answer("x")]).n == 1


def test_known_scores_are_not_computed_again() -> None:
    metric = Custom("slow", Slow())
    assert figure(metric, [Case("a", ())] * 2, [Answer("")] * 2, scores=[1.0, 0.0]).value.estimate == 0.5


class Slow:
    def score(self, case: Case, answer: Answer) -> float:
        raise AssertionError("asked again")


class Longest:
    unit = "tokens"

    def score(self, case: Case, answer: Answer) -> float:
        return answer.tokens

    def pool(self, cases: Sequence[Case], answers: Sequence[Answer]) -> float:
        return max(answer.tokens for answer in answers)


class Strange(Longest):
    def pool(self, cases: Sequence[Case], answers: Sequence[Answer]) -> float:
        return -1.0


def test_a_custom_corpus_figure_is_resampled_too() -> None:
    answers = [Answer("", tokens=n) for n in range(1, 31)]
    value = figure(Custom("longest", Longest()), [Case("c", ())] * 30, answers).value
    assert value.estimate == value.high == 30 and 20 < value.low < 30
    with pytest.raises(BadInput, match=r"strange gave -1\.0 over 30 rows"):
        figure(Custom("strange", Strange()), [Case("c", ())] * 30, answers)


def test_a_summary() -> None:
    assert summary([3, 1, 2, 10]) == Summary(4, 4.0, 1, 2.5, 10)
    assert summary([]).n == 0
