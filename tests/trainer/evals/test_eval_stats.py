"""Our statistics against independent references."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from trainer.evals.stats import (
    Paired,
    mcnemar_exact,
    minimum_detectable_effect,
    paired_difference,
    paired_interval,
    power,
    rows_needed,
    rows_to_clear,
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
