"""Which judges are benched, by simulation, and what is read of an answer."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.evals.judges.bench import bearing
from trainer.evals.judges.reading import Pick, Unreadable, read_pick, read_scores
from trainer.evals.judges.ruling import Pair, Ruling

PLACES = ("first", "second", "tie")


def ruling(shown: tuple[str, str], candidate: str = "a", other: str = "b") -> Ruling:
    choice = {("first", "second"): "candidate", ("second", "first"): "other"}.get(shown, "tie")
    return Ruling(Pair("test", "1", (), "", candidate, other), choice, shown)  # type: ignore[arg-type]


def drawn(seed: int, n: int, steady: float, to_first: float = 0.5) -> list[Ruling]:
    """A judge that knows its mind on a share of the pairs, and else goes by the place."""
    draw = random.Random(seed)
    rulings = []
    for _ in range(n):
        if draw.random() < steady:
            rulings.append(ruling(draw.choice([("first", "second"), ("second", "first")])))
        else:
            rulings.append(ruling(("first", "first") if draw.random() < to_first else ("second", "second")))
    return rulings


def benched(steady: float, to_first: float = 0.5, n: int = 100) -> float:
    return sum(bool(bearing(drawn(seed, n, steady, to_first), 0).benched) for seed in range(80)) / 80


def test_a_judge_that_is_mostly_steady_stays_and_one_that_draws_lots_goes() -> None:
    assert benched(0.8) < 0.02
    assert benched(0.5) > 0.95


def test_a_judge_that_leans_to_the_first_place_goes_even_where_it_is_steady_enough() -> None:
    assert benched(0.65, to_first=1.0) > 0.95
    assert benched(0.95, to_first=1.0) < 0.05


@pytest.mark.parametrize("n", [1, 3, 9])
def test_a_few_pairs_bench_nobody_by_chance_and_that_is_said(n: int) -> None:
    found = bearing([ruling(("first", "first")), *[ruling(("tie", "tie"))] * (n - 1)], 0)
    assert not found.benched and "too few" in found.warnings[-1]


def test_a_judge_that_calls_everything_a_tie_tells_nothing() -> None:
    assert "called each of 12 pairs a tie" in bearing([ruling(("tie", "tie"))] * 12, 0).benched


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)), max_size=30), st.integers(0, 5))
def test_shares_are_shares_whatever_was_said(shown: list, unreadable: int) -> None:
    found = bearing([ruling(pair, "a" * n, "bb") for n, pair in enumerate(shown)], unreadable)
    for share, low in ((found.consistency, 0), (found.first_share, 0), (found.length_bias, -1)):
        assert share is None or low <= share <= 1


@settings(max_examples=50)
@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_an_answer_is_read_whole_or_not_at_all(text: str) -> None:
    for read in (read_pick, lambda said: read_scores(said, ["tone"])):
        with pytest.raises(Unreadable):
            read(text)


@settings(max_examples=50)
@given(st.text(), st.sampled_from(["A", "B", "tie"]), st.booleans())
def test_what_was_asked_for_is_read(reasoning: str, choice: str, fenced: bool) -> None:
    text = json.dumps({"reasoning": reasoning, "choice": choice})
    assert read_pick(f"```json\n{text}\n```" if fenced else text) == Pick(reasoning, choice)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        '{"reasoning": "", "choice": "A", "choice": "B"}',
        '{"reasoning": "", "choice": "A"} or B',
        '{"reasoning": "", "choice": "a"}',
        '{"reasoning": "", "choice": "A", "score": 1}',
        '{"reasoning": null, "choice": "A"}',
        "[" * 100_000,
        "[" * 20_000,
    ],
)
def test_what_could_mean_two_things_is_not_read(text: str) -> None:
    with pytest.raises(Unreadable):
        read_pick(text)


def test_every_criterion_is_scored_once_and_no_other() -> None:
    one = {"reasoning": "", "score": 10}
    assert read_scores(json.dumps({"tone": one}), ["tone"])["tone"].score == 10
    scores = [{"tone": one | {"score": score}} for score in (11, -1, 7.5, True, "9", None)]
    for said in ({}, {"tone": one, "style": one}, {"style": one}, {"tone": 10}, *scores):
        with pytest.raises(Unreadable):
            read_scores(json.dumps(said), ["tone"])
