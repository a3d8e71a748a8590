"""κ and α against published examples and scikit-learn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from trainer.evals.judges.agreement import CHOICES, Label, agreement, kappa, krippendorff_alpha, majority

choices = st.sampled_from(CHOICES)


def test_alpha_is_that_of_the_textbook() -> None:
    """Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: four observers, twelve units."""
    observers = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [{n: said[at] for n, said in enumerate(observers) if said[at] != "."} for at in range(12)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_kappa_is_that_of_the_textbook() -> None:
    table = {("candidate", "candidate"): 20, ("candidate", "other"): 5, ("other", "candidate"): 10}
    pairs = [pair for pair, n in (table | {("other", "other"): 15}).items() for _ in range(n)]
    found = kappa(pairs)  # type: ignore[arg-type]
    assert found is not None and found.estimate == pytest.approx(0.4) and found.low < 0.4 < found.high


@settings(max_examples=40)
@given(st.lists(st.tuples(choices, choices), min_size=1, max_size=30))
def test_kappa_is_scikit_learns(pairs: list) -> None:
    found = kappa(pairs)
    if found is None:
        assert len({choice for pair in pairs for choice in pair}) == 1
    else:
        assert found.estimate == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
        assert not any(math.isnan(value) for value in (found.low, found.high)) and found.low <= found.high


@given(st.lists(choices, min_size=1, max_size=9))
def test_the_majority_is_more_than_anybody_else_has(said: list) -> None:
    most = majority(said)
    others = [said.count(choice) for choice in CHOICES if choice != most]
    assert most == "tie" or said.count(most) > max(others)


def test_only_rows_that_both_know_count_and_the_last_word_of_each_person() -> None:
    judged = {("test", "1"): "candidate", ("test", "2"): "other"}
    said = [
        Label("test", "1", "other", "U1"),
        Label("test", "1", "candidate", "U1"),
        Label("test", "2", "other", "U1"),
        Label("test", "2", "other", "U2"),
        Label("other-suite", "1", "tie", "U1"),
    ]
    found = agreement(judged, said)  # type: ignore[arg-type]
    assert (found.n, found.alpha) == (2, 1.0) and found.kappa is not None and found.kappa.estimate == 1.0
    assert found.people is None


def test_without_labels_nothing_is_claimed() -> None:
    assert agreement({("test", "1"): "tie"}, []).kappa is None
