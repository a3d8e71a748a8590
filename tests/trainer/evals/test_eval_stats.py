"""Our statistics against independent references."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test, ttest_1samp
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from trainer.evals.stats import (
    Paired,
    clopper_pearson,
    cluster_ids,
    clustered_mean,
    clustered_share,
    detectable_score,
    difference,
    effective_rows,
    flipped_signs,
    holm,
    mcnemar_exact,
    mean_interval,
    minimum_detectable_effect,
    most_failures,
    of_pairs,
    paired_difference,
    paired_interval,
    power,
    rows_for_scores,
    rows_needed,
    rows_to_clear,
    rows_to_keep,
    rows_to_settle,
    sign_test,
    wilson,
)

QUICK = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [  # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_the_published_values(k: int, n: int, low: float, high: float) -> None:
    interval = wilson(k, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_no_failure_in_300_leaves_room_for_one_percent() -> None:
    assert wilson(0, 300).high == pytest.approx(0.0126, abs=1e-4)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
    assert most_failures(0, 300) == pytest.approx(1 - 0.05 ** (1 / 300))  # the rule of three: about 3 / n
    assert clopper_pearson(0, 300).high == pytest.approx(1 - 0.025 ** (1 / 300))


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [  # Newcombe 1998, the same table, method 5
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0000, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_clopper_pearson_equals_the_published_values(k: int, n: int, low: float, high: float) -> None:
    interval = clopper_pearson(k, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@QUICK
@given(n=st.integers(1, 200), data=st.data(), conf=st.sampled_from([0.9, 0.95, 0.99]))
def test_bounds_of_shares_hold_the_estimate_and_narrow_with_n(n: int, data: st.DataObject, conf: float) -> None:
    k = data.draw(st.integers(0, n))
    for bounds in (wilson, clopper_pearson):
        one, other, more = bounds(k, n, conf), bounds(n - k, n, conf), bounds(3 * k, 3 * n, conf)
        assert 0 <= one.low <= k / n <= one.high <= 1
        assert (one.low, one.high) == (pytest.approx(1 - other.high), pytest.approx(1 - other.low))
        assert more.high - more.low < one.high - one.low
    assert clopper_pearson(k, n, conf).high >= wilson(k, n, conf).high - 0.02


@pytest.mark.parametrize(
    ("both", "first", "second", "neither", "low", "high"),
    [  # Newcombe 1998, Improved confidence intervals … based on paired data, method 10
        (36, 12, 2, 0, 0.0569, 0.3404),
        (20, 12, 2, 16, 0.0562, 0.3292),
        (18, 12, 2, 18, 0.0562, 0.3290),
        (30, 20, 0, 0, 0.2570, 0.5382),
        (54, 0, 0, 0, -0.0664, 0.0664),
        (59, 6, 16, 80, -0.1186, -0.0046),  # Fagerland et al., Statistical Analysis of Contingency Tables, ch. 8
    ],
)
def test_the_paired_interval_equals_the_published_values(
    both: int, first: int, second: int, neither: int, low: float, high: float
) -> None:
    interval = paired_interval(Paired(both + first + second + neither, both, second, first))
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_mcnemar_on_textbook_tables() -> None:
    assert mcnemar_exact(6, 16) == pytest.approx(0.0525, abs=1e-4)  # a drug before and after: 59, 6, 16, 80
    assert mcnemar_exact(7, 1) == pytest.approx(0.0703, abs=1e-4)  # Bentur et al. 2009: 1, 7, 1, 12
    assert sign_test(1, 7) == pytest.approx(0.0703, abs=1e-4) and sign_test(0, 0) == 1


@QUICK
@given(b=st.integers(0, 60), c=st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_on_the_rows_that_differ(b: int, c: int) -> None:
    reference = binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(reference, abs=1e-9)


@QUICK
@given(pairs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_the_paired_interval_holds_the_difference_and_mirrors(pairs: list[tuple[bool, bool]]) -> None:
    base, tuned = [b for b, _ in pairs], [t for _, t in pairs]
    one, other = paired_difference(base, tuned), paired_difference(tuned, base)
    assert -1 <= one.low <= one.estimate <= one.high <= 1
    assert one.estimate == pytest.approx((sum(tuned) - sum(base)) / len(pairs))
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))


@pytest.mark.parametrize(("n", "lost", "gained"), [(60, 0.05, 0.10), (60, 0.02, 0.02), (120, 0.10, 0.30)])
def test_the_paired_interval_covers_the_truth_as_often_as_it_says(n: int, lost: float, gained: float) -> None:
    rng, hits, runs = random.Random(5), 0, 1500
    for _ in range(runs):
        drawn = [rng.random() for _ in range(n)]
        b, c = sum(x < lost for x in drawn), sum(lost <= x < lost + gained for x in drawn)
        both = sum(lost + gained <= x < 0.75 for x in drawn)
        interval = paired_interval(Paired(n, both, b, c))
        hits += interval.low <= gained - lost <= interval.high
    assert hits / runs >= 0.93  # it is cautious where the models hardly differ


def test_power_agrees_with_simulation() -> None:
    rng, runs, n, effect, differ = random.Random(11), 4000, 120, 0.10, 0.16
    hits = 0
    for _ in range(runs):
        drawn = [rng.random() for _ in range(n)]
        b = sum(x < (differ - effect) / 2 for x in drawn)
        c = sum((differ - effect) / 2 <= x < differ for x in drawn)
        hits += c > b and mcnemar_exact(b, c) < 0.05
    assert power(n, effect, differ) == pytest.approx(hits / runs, abs=0.025)


def test_sizes_and_effects_fit_together() -> None:
    assert rows_needed(0.10) == 100
    assert 380 <= (rows_needed(0.05) or 0) <= 440
    assert minimum_detectable_effect(100) == 0.1
    assert minimum_detectable_effect(4) == 1.0
    assert rows_needed(0.05, least=0.05) is None  # half of such runs show less than the gain itself
    assert rows_needed(0) is None


@QUICK
@given(margin=st.floats(0.02, 0.3), lost=st.integers(0, 5))
def test_rows_to_clear_do_clear(margin: float, lost: int) -> None:
    n = rows_to_clear(margin, lost)
    assert wilson(lost, n).high <= margin


def test_unpaired_outcomes_are_refused() -> None:
    with pytest.raises(ValueError, match="not paired"):
        Paired.of([True], [])
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)


def test_holm_on_a_textbook_family() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@settings(max_examples=6, deadline=None)  # each of theirs collects garbage
@given(p=st.lists(st.floats(0, 1), min_size=5, max_size=30))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]))


SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=25)
FEW = settings(max_examples=15, deadline=None)


@FEW
@given(pairs=SCORES)
def test_differences_of_scores_hold_their_estimate_and_mirror(pairs: list[tuple[float, float]]) -> None:
    base, tuned = [b for b, _ in pairs], [t for _, t in pairs]
    one, other = difference(base, tuned, bounds=(0, 1)), difference(tuned, base, bounds=(0, 1))
    less = difference(tuned, base, better="lower", bounds=(0, 1))
    assert -1 <= one.interval.low <= one.interval.estimate <= one.interval.high <= 1
    assert (one.wins, one.losses, one.ties) == (other.losses, other.wins, other.ties)
    assert one.p == pytest.approx(other.p, abs=0.03) and 0 < one.p <= 1
    assert one.interval.estimate == pytest.approx(less.interval.estimate)


def test_scores_against_scipy() -> None:
    rng = np.random.default_rng(3)
    gains = rng.normal(0.3, 1, size=10)
    reference = permutation_test((gains,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert flipped_signs(gains.tolist()) == pytest.approx(reference.pvalue)  # few enough for all 1,024 turns
    some = rng.normal(0.15, 1, size=150)
    assert flipped_signs(some.tolist()) == pytest.approx(ttest_1samp(some, 0).pvalue, abs=0.02)
    many = rng.normal(0.1, 1, size=400)
    found, t = difference([0.0] * 400, many.tolist()), ttest_1samp(many, 0)
    low, high = t.confidence_interval()
    assert (found.interval.low, found.interval.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    assert found.p == pytest.approx(t.pvalue)
    assert difference([0.0] * 400, many.tolist()) == found  # the same every time


def test_scores_that_never_differ_prove_little() -> None:
    found = difference([0.5] * 30, [0.5] * 30, bounds=(0, 1))
    assert found.p == 1 and found.interval.low < -0.1 and found.interval.high > 0.1
    assert difference([0.5], [0.9], bounds=(0, 1)).p == 1
    assert difference([], []).n == 0


def test_sizes_for_scores_against_statsmodels() -> None:
    n = rows_for_scores(0.1, 0.4)
    assert n == pytest.approx(TTestPower().solve_power(0.25, power=0.8, alpha=0.05), abs=3)
    assert n and detectable_score(n, 0.4) == pytest.approx(0.1, abs=0.001)
    assert rows_for_scores(0.1, 0.4, least=0.1) is None
    assert (rows_for_scores(0.1, 0.4, least=0.05) or 0) > 0
    assert (rows_for_scores(0.1, 0.4, least=0.09) or 0) > n


@QUICK
@given(effect=st.floats(0.02, 0.4), least=st.floats(0, 0.3))
def test_more_is_needed_for_less(effect: float, least: float) -> None:
    one, smaller = rows_for_scores(effect, 0.3), rows_for_scores(effect / 2, 0.3)
    assert one and smaller and smaller >= one
    strict = rows_for_scores(effect, 0.3, least=least)
    assert strict is None if least >= effect else strict is None or strict >= one


def test_rows_of_a_group_count_together() -> None:
    values = [float(row // 5 % 2) for row in range(100)]  # twenty groups, each all right or all wrong
    groups = [f"g{row // 5}" for row in range(100)]
    ids = cluster_ids(groups)
    assert effective_rows(values, ids) == pytest.approx(20, rel=0.06)
    means = ttest_1samp(values[::5], 0)  # groups of one size: the same as a t test of their means
    low, high = means.confidence_interval()
    found = clustered_mean(values, ids)
    assert (found.low, found.high) == (pytest.approx(low, rel=0.02), pytest.approx(high, rel=0.02))
    share = clustered_share([value == 1 for value in values], groups)
    assert share.high - share.low == pytest.approx(wilson(10, 20).high - wilson(10, 20).low, rel=0.05)
    assert clustered_share([True] * 100, groups).low == pytest.approx(wilson(20, 20).low)
    assert cluster_ids(["", "", "a", "b"]) == []
    assert mean_interval(values, groups=groups) == share


@FEW
@given(rows=st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 6)), min_size=12, max_size=40))
def test_groups_never_make_us_surer(rows: list[tuple[bool, bool, int]]) -> None:
    base, tuned = [float(b) for b, _, _ in rows], [float(t) for _, t, _ in rows]
    plain, grouped = difference(base, tuned), difference(base, tuned, groups=[f"g{g}" for _, _, g in rows])
    assert grouped.p >= plain.p and grouped.design >= 1
    assert grouped.interval.low <= plain.interval.low and grouped.interval.high >= plain.interval.high


def test_right_and_wrong_is_mcnemar_and_anything_else_is_not() -> None:
    base, tuned = [0.0, 0.0, 1.0, 1.0] * 10, [1.0, 0.0, 1.0, 1.0] * 10
    assert difference(base, tuned) == of_pairs(Paired(40, 20, 0, 10))
    assert difference(base, tuned, shares=False).how == "paired-bootstrap"
    assert difference(base, [*tuned[:-1], 0.5]).how == "paired-bootstrap"


@pytest.mark.parametrize(("margin", "loses"), [(0.1, 0.0), (0.1, 0.025), (0.05, 0.01)])
def test_rows_to_keep_clear_most_models(margin: float, loses: float) -> None:
    n = rows_to_keep(margin, loses)
    lost = np.random.default_rng(5).binomial(n, loses, size=2000)
    cleared = sum(wilson(int(k), n or 1).high <= margin for k in lost) / 2000
    assert cleared >= 0.93 and rows_to_keep(margin, margin) is None


@QUICK
@given(k=st.integers(0, 50), n=st.integers(50, 200), line=st.floats(0.02, 0.98))
def test_rows_to_settle_settle(k: int, n: int, line: float) -> None:
    needed = rows_to_settle(wilson(k, n), line)
    if needed and needed > n and abs(k / n - line) > 0.02:
        there = wilson(math.floor(k / n * needed * 1.2), math.floor(needed * 1.2))
        assert there.low > line - 0.02 if k / n > line else there.high < line + 0.02
