"""Why an answer is wrong, and what became of failures that people looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evals.case import Answer, Check, Role
from trainer.evals.failures import CAUSES, by_cause, cause_of, failures
from trainer.evals.lessons import LESSONS, suite, told
from trainer.evals.outcome import Row
from trainer.store.tables import Lesson
from trainer.types import ChatMessage


@pytest.mark.parametrize(
    ("expected", "answer", "cause", "why"),
    [
        ("yes", Answer("  "), "empty", ""),
        ("yes", Answer("yes and then", cut=True, tokens=256), "cut", "cut after 256 tokens"),
        ('{"a": 1}', Answer("a is 1"), "not_json", ""),
        ('{"a": 1, "b": 2}', Answer('{"a": 3, "c": 2}'), "fields", "a: 3 for 1; b missing; c too much"),
        ("[1, 2]", Answer("[1]"), "fields", "another list"),
        ("Paris", Answer("I'm sorry, but I can't help with that."), "refused", ""),
        ("Paris", Answer("paris."), "nearly", ""),
        ("Paris", Answer("Rome"), "other", ""),
    ],
)
def test_the_first_cause_that_fits(expected: str, answer: Answer, cause: str, why: str) -> None:
    assert cause_of(expected, answer) == (cause, why)


@given(st.text(max_size=60), st.text(max_size=60), st.booleans())
def test_any_answer_has_a_known_cause(expected: str, said: str, cut: bool) -> None:
    assert cause_of(expected, Answer(said, cut=cut))[0] in CAUSES


def row(name: str, candidate: float, base: float = 0.0, suite: str = "test", **slices: str) -> Row:
    answers = {"candidate": Answer("said"), "base": Answer("said")}
    scores = {"candidate": {"exact_match": candidate}, "base": {"exact_match": base}}
    return Row(suite, name, (ChatMessage("user", "?"),), "wanted", answers, scores, slices)


def test_what_the_base_had_comes_first_then_the_worst() -> None:
    rows = [row("a", 0.5), row("b", 0.0), row("c", 1.0), row("d", 0.5, base=1.0), row("e", 0.0, suite="other")]
    found = failures(rows, {"test": "exact_match"})
    assert [one.row.id for one in found] == ["d", "b", "a"] and found[0].lost
    assert by_cause(found) == {"other": 3}


def test_lessons_are_told_as_fixed_or_open_in_the_version_that_was_learned() -> None:
    def lesson(name: str, dataset: str | None) -> Lesson:
        pair = [{"role": "user", "content": name}, {"role": "assistant", "content": "yes"}]
        return Lesson(id=name, dataset_id=dataset, side="train", row={"messages": pair})

    known = [lesson("l1", "file-1"), lesson("l2", "file-2"), lesson("l3", "file-other"), lesson("l4", None)]
    made = suite(known, {"file-1": 6, "file-2": 7}, Check("exact_match"))
    assert made and made.role is Role.LESSONS and [case.id for case in made.cases] == ["l1", "l2"]
    assert {case.slices["version"] for case in made.cases} == {"v7"}
    rows = [row("l1", 1.0, suite=LESSONS, version="v7"), row("l2", 0.0, suite=LESSONS, version="v7")]
    said = "Of 2 failures that people looked at: fixed in v7: 1, still open: 1 (l2)."
    assert told([*rows, row("x", 0.0)], "exact_match") == [said]
    assert suite(known, {}, Check("exact_match")) is None and told([], "exact_match") == []
