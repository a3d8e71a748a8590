"""Counting votes: per question, sealed by nothing but arithmetic, and checked against scipy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.evals.votes import CHOICES, Ballot, candidate_first, choose, tally

CASES = [("test", f"row-{n}") for n in range(6)]
ballots = st.dictionaries(
    st.tuples(st.sampled_from(CASES), st.sampled_from("abcde")), st.sampled_from(CHOICES), max_size=30
).map(lambda votes: [Ballot(item, voter, choice) for (item, voter), choice in votes.items()])


def row(case: int, mine: str, theirs: str, suite: str = "test", other: str = "base") -> dict[str, Any]:
    return {"suite": suite, "id": f"row-{case}", "answers": {"candidate": {"text": mine}, other: {"text": theirs}}}


@settings(max_examples=60, deadline=None)
@given(ballots)
def test_every_vote_and_every_question_is_counted_once(votes: list[Ballot]) -> None:
    made = tally(votes, polls=1, against="base")
    assert made.for_it + made.against_it + made.undecided == made.votes == len(votes)
    assert made.wins + made.losses + made.ties == made.items == len({v.item for v in votes})
    assert made.voters == len({v.voter for v in votes})
    assert made.alpha is None or -1.0 <= made.alpha <= 1.0 + 1e-9


@settings(max_examples=60, deadline=None)
@given(ballots, st.randoms())
def test_neither_the_order_nor_the_names_of_the_voters_matter(votes: list[Ballot], random: Any) -> None:
    mixed = [Ballot(v.item, f"other {v.voter}", v.choice) for v in random.sample(votes, len(votes))]
    one, other = tally(votes, polls=1, against="base"), tally(mixed, polls=1, against="base")
    assert (one.wins, one.losses, one.ties, one.p) == (other.wins, other.losses, other.ties, other.p)
    assert one.alpha == pytest.approx(other.alpha)


@settings(max_examples=60, deadline=None)
@given(ballots)
def test_the_other_side_sees_the_same_in_the_mirror(votes: list[Ballot]) -> None:
    swapped = {"candidate": "other", "other": "candidate", "tie": "tie"}
    one = tally(votes, polls=1, against="base")
    mirror = tally([Ballot(v.item, v.voter, swapped[v.choice]) for v in votes], polls=1, against="base")
    assert (one.wins, one.losses) == (mirror.losses, mirror.wins) and one.p == pytest.approx(mirror.p)
    if one.share and mirror.share:
        assert one.share.low == pytest.approx(1 - mirror.share.high)


@pytest.mark.parametrize(("wins", "losses"), [(8, 1), (5, 5), (0, 6), (1, 0)])
def test_share_and_p_are_those_of_the_textbook(wins: int, losses: int) -> None:
    from scipy.stats import binomtest

    votes = [Ballot(("test", f"{n}"), "a", "candidate" if n < wins else "other") for n in range(wins + losses)]
    made = tally([*votes, Ballot(("test", "even"), "a", "tie")], polls=1, against="base")
    expected = binomtest(wins, wins + losses)
    bounds = expected.proportion_ci(method="wilson")
    assert made.share and made.p == pytest.approx(expected.pvalue) and made.ties == 1
    assert (made.share.low, made.share.high, made.share.n) == (
        pytest.approx(bounds.low, abs=1e-9),
        pytest.approx(bounds.high, abs=1e-9),
        wins + losses,
    )


def test_twenty_voters_of_one_question_are_one_question() -> None:
    made = tally([Ballot(("test", "one"), str(n), "candidate") for n in range(20)], polls=1, against="base")
    assert (made.wins, made.votes, made.p) == (1, 20, 1.0)
    assert made.alpha is None  # everybody said the same of everything


def test_voters_without_a_preference_tip_nothing_and_an_even_split_is_a_tie() -> None:
    said = {"won": ["candidate", "tie", "tie"], "even": ["candidate", "other", "tie"], "lost": ["other", "other"]}
    votes = [Ballot(("test", case), str(n), c) for case, choices in said.items() for n, c in enumerate(choices)]
    made = tally(votes, polls=1, against="base")
    assert (made.wins, made.losses, made.ties) == (1, 1, 1)


def test_ratings_are_averaged_over_questions_and_agree_as_numbers() -> None:
    def rated(case: str, voter: str, mine: int, theirs: int) -> Ballot:
        return Ballot(("test", case), voter, "candidate", {"candidate": mine, "base": theirs})

    near = [rated("1", "a", 10, 2), rated("1", "b", 9, 3), rated("2", "a", 6, 2)]
    made = tally(near, polls=1, against="base")
    assert made.ratings == {"candidate": pytest.approx((9.5 + 6) / 2), "base": pytest.approx((2.5 + 2) / 2)}
    assert made.alpha and made.alpha > 0.8
    far = tally([rated("1", "a", 10, 2), rated("1", "b", 2, 10)], polls=1, against="base")
    assert far.alpha is not None and far.alpha < 0.1


def test_questions_are_those_that_differ_in_an_order_nobody_chose() -> None:
    rows = [row(n, "yes", "no") for n in range(30)] + [row(90 + n, "same", " same ") for n in range(5)]
    rows += [row(70, "x", "y", suite="old-skills"), row(71, "x", "y", other="holder")]
    made = choose(rows, "base", 10, seed="evaluation")
    assert len(made.items) == 10 and (made.rows, made.equal, made.differ) == (35, 5, 30)
    assert choose(list(reversed(rows)), "base", 10, seed="evaluation") == made
    assert choose(rows, "base", 10, seed="another").items != made.items
    every = choose(rows, "base", 30, seed="evaluation").items
    assert every[:10] == made.items
    assert choose(rows, "base", 10, seed="evaluation", known=made.items).items == every[10:20]
    assert choose(rows, "base", 10, seed="evaluation", known=every).items == made.items


def test_each_voter_gets_an_order_of_their_own_that_lasts() -> None:
    drawn = {voter: [candidate_first("poll-x", item, voter) for item in range(200)] for voter in "ab"}
    assert drawn["a"] != drawn["b"] and all(60 < sum(order) < 140 for order in drawn.values())
    assert candidate_first("poll-x", 0, "a") == drawn["a"][0]
