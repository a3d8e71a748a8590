"""Answers that teach nothing, and labels out of balance; what looks alike and is left alone."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.analyze import Batch, Scene
from trainer.data.check import check
from trainer.data.formats import load_format
from trainer.data.quality import labels
from trainer.data.quality.answers import Answers
from trainer.data.quality.labels import Tally
from trainer.data.view import View
from trainer.settings import Settings

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "real"
CODES = {
    "degenerate_answer",
    "answer_repeats_prompt",
    "answers_cut",
    "all_answers_equal",
    "answer_dominates",
    "label_imbalance",
}

CIRCLES = [
    "the the the the the the the the the the",
    "I am here. " * 12,
    "Yes, of course it is so. " * 9 + "Yes, of",
    "Well:\n" + "- buy milk today\n" * 8,
    "Here is the list " + "and then we go home " * 7,
    "....",
    "…",
    "?!?",
    "-",
]
NO_CIRCLES = [
    "Ha ha ha!",
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    "0 0 0 0 0 0 0 0 0 0 0 0",
    "| --- | --- | --- | --- | --- | --- | --- |\n" * 2,
    "x = 1;\n}\n}\n}\n}\n}\n}\n}",
    '[{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}, {"a": 5}, {"a": 6}]',
    "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream.",
    "👍",
    "+",
    "A",
    "She sells sea shells by the sea shore. The shells she sells are sea shells, I am sure.",
    "I like it, I like it, yes I do, I like it and so will you.",
]


def row(answer: str, prompt: str = "q", **more: str) -> str:
    turns = [{"role": "system", "content": more["system"]}] if more else []
    turns += [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns}) + "\n"


def told(path: Path, rows: list[str]) -> list[tuple[int, str]]:
    path.write_text("".join(rows))
    return [(f.line, f.code) for f in check(path).findings if f.code in CODES]


def test_circles_and_bare_punctuation(tmp_path: Path) -> None:
    lines = [row(answer, f"q {n}") for n, answer in enumerate(CIRCLES + NO_CIRCLES)]
    found = told(tmp_path / "d.jsonl", lines)
    assert found == [(number, "degenerate_answer") for number in range(1, len(CIRCLES) + 1)]


def test_an_answer_that_is_the_message_before_it(tmp_path: Path) -> None:
    whole = "Please tell me the price of it."
    lines = [
        row(whole, whole),
        row(" " + whole, whole, system="Be kind."),
        row("He goes home now.", "Correct this sentence:\nHe goes home now."),
        row("the price of it.", whole),
        row("blue", "blue"),
    ]
    assert told(tmp_path / "d.jsonl", lines) == [(1, "answer_repeats_prompt"), (2, "answer_repeats_prompt")]


def test_all_answers_equal(tmp_path: Path) -> None:
    assert told(tmp_path / "d.jsonl", [row("Yes.", f"q {n}") for n in range(20)]) == [(0, "all_answers_equal")]


def test_one_answer_dominates(tmp_path: Path) -> None:
    rows = [row("I do not know." if n % 3 else f"It is the number {n}.", f"q {n}") for n in range(60)]
    assert told(tmp_path / "d.jsonl", rows) == [(0, "answer_dominates")]


def test_a_dominating_answer_is_found_among_very_many(tmp_path: Path) -> None:
    rows = [row("Same old answer." if n % 5 < 3 else f"It is the number {n}.", f"q {n}") for n in range(9000)]
    random.Random(1).shuffle(rows)
    path = tmp_path / "d.jsonl"
    assert told(path, rows) == [(0, "answer_dominates")]
    report = check(path)
    assert report.stats["answers"]["different"] is None
    assert "labels" not in report.stats


def test_labels_are_counted_and_imbalance_is_told(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    rows = [row("good" if n % 20 else "bad", f"q {n}") for n in range(100)] + [row("fine", f"r {n}") for n in range(90)]
    assert told(path, rows) == [(0, "label_imbalance")]
    assert check(path).stats["labels"] == {"'good'": 95, "'fine'": 90, "'bad'": 5}


def test_balanced_labels_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    assert told(path, [row(("yes", "no", "maybe")[n % 3], f"q {n}") for n in range(60)]) == []
    assert check(path).stats["labels"] == {"'maybe'": 20, "'no'": 20, "'yes'": 20}


def test_free_answers_have_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    assert told(path, [row(f"Answer number {n}", f"q {n}") for n in range(60)]) == []
    assert "labels" not in check(path).stats


def test_answers_cut_at_one_length(tmp_path: Path) -> None:
    words = "once upon a time there lived a very old king in a castle far away from here and "
    texts = [f"{n} " + words * 4 for n in range(40)]
    assert told(tmp_path / "d.jsonl", [row(text[:256], f"q {n}") for n, text in enumerate(texts)]) == [
        (0, "answers_cut")
    ]


def test_answers_of_one_length_that_end_well_are_fine(tmp_path: Path) -> None:
    texts = [
        f"{n:03} once upon a time there lived a very old king in a castle far away from here." * 2 for n in range(40)
    ]
    assert told(tmp_path / "d.jsonl", [row(text, f"q {n}") for n, text in enumerate(texts)]) == []


REAL_CHATS = [
    "msf_gsm8k_chat_train",
    "msf_gsm8k_chat_validation",
    "msf_stock_toolcall_training",
    "tinker_conversations",
]


@pytest.mark.skipif(not REAL.is_dir(), reason="the shared real datasets are not beside this checkout")
@pytest.mark.parametrize("name", REAL_CHATS)
def test_real_answers_are_left_alone(name: str) -> None:
    assert not {finding.code for finding in check(REAL / f"{name}.jsonl").findings} & CODES


def scene() -> Scene:
    return Scene(load_format(), Settings.model_construct(), Path())


def figures(rows: list[tuple[str, str]], size: int = 7) -> dict[str, object]:
    answers = Answers(scene())
    for start in range(0, len(rows), size):
        views = [View(prompt, answer, ("user", "assistant")) for prompt, answer in rows[start : start + size]]
        plain = [
            {"messages": [{"role": "user", "content": v[0]}, {"role": "assistant", "content": v[1]}]} for v in views
        ]
        answers.add(Batch(range(len(views)), plain, views, b""))
    told = [(finding.code, finding.message) for finding in answers.finish()]
    return {"stats": answers.stats(), "told": told}


@given(
    st.lists(
        st.tuples(st.text(max_size=20), st.sampled_from(["yes", "no", "...", "a b " * 20]) | st.text()), max_size=40
    )
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_survived_and_order_does_not_matter(rows: list[tuple[str, str]]) -> None:
    shuffled = list(rows)
    random.Random(3).shuffle(shuffled)
    assert figures(rows) == figures(shuffled, size=11)
    json.dumps(figures(rows))


def test_the_tally_stays_small_and_nearly_right() -> None:
    tally = Tally()
    answers = [f"rare {n}" for n in range(50_000)] + ["often"] * 20_000
    random.Random(5).shuffle(answers)
    for start in range(0, len(answers), 500):
        tally.add(answers[start : start + 500])
    answer, count = tally.top()
    assert answer == "often"
    assert 0.99 * 20_000 <= count <= 20_000
    assert len(tally.counts) <= labels.ROOM
