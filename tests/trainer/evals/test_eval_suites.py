"""Suites from rows that are not chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainer.data.split import prompt_keys
from trainer.errors import BadInput
from trainer.evals.suites import load_suite, overlap


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def says(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def pair(number: int) -> dict[str, Any]:
    sides = {"chosen": says("assistant", f"good {number}"), "rejected": says("assistant", "bad")}
    return {"prompt": says("system", "Be kind.") + says("user", f"ask {number}")} | sides


def test_the_better_answer_of_a_pair_is_the_right_one_and_that_is_said(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "test.jsonl", [pair(n) for n in range(12)]))
    assert [m.content for m in suite.cases[3].messages] == ["Be kind.", "ask 3"]
    assert suite.cases[3].expected == "good 3" and "hard yardstick" in suite.notes[0]


def test_a_prompt_that_was_trained_on_is_found_whatever_its_answers(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "test.jsonl", [pair(n) for n in range(12)]))
    train = [pair(n) | {"chosen": says("assistant", "other")} for n in (3, 40)]
    assert [c.expected for c in overlap(suite.cases, prompt_keys(write(tmp_path / "train.jsonl", train)))] == ["good 3"]


def test_of_rated_answers_only_the_good_ones_are_asked(tmp_path: Path) -> None:
    rows = [{"prompt": f"ask {n}", "completion": f"says {n}", "label": n % 3 == 0} for n in range(12)]
    suite = load_suite(write(tmp_path / "test.jsonl", rows))
    assert [case.expected for case in suite.cases] == ["says 0", "says 3", "says 6", "says 9"]
    assert "8 test rows marked bad were not asked." in suite.notes


@pytest.mark.parametrize(
    "told",
    [
        lambda asked: {"instruction": asked, "input": "", "output": "yes"},
        lambda asked: {"prompt": asked, "completion": "yes"},
        lambda asked: {"conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": "yes"}]},
    ],
)
def test_conversations_of_any_format_are_cases(tmp_path: Path, told: Any) -> None:
    path = write(tmp_path / "suite.jsonl", [told(f"Is {n} a number?") for n in range(12)])
    suite = load_suite(path)
    assert [(c.messages[-1].content, c.expected) for c in suite.cases[:1]] == [("Is 0 a number?", "yes")]
    assert len(overlap(suite.cases, prompt_keys(path))) == 12


def test_plain_texts_have_no_right_answer(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="plain texts") as caught:
        load_suite(write(tmp_path / "test.jsonl", [{"text": f"page {n}"} for n in range(12)]))
    assert caught.value.code == "no_answers"


def test_pairs_without_a_prompt_ask_nothing(tmp_path: Path) -> None:
    bare = {"chosen": says("assistant", "one"), "rejected": says("assistant", "two")}
    suite = load_suite(write(tmp_path / "test.jsonl", [*[pair(n) for n in range(12)], bare]))
    assert len(suite.cases) == 12 and suite.skipped == (13,)


def told(question: str, answer: str, **metadata: object) -> dict[str, Any]:
    return {"messages": says("user", question) + says("assistant", answer), "metadata": metadata}


def test_rows_are_sliced_by_what_tells_them_apart(tmp_path: Path) -> None:
    english, german = "Where is my parcel, please, it was due", "Wo ist mein Paket, es sollte schon da sein, Nummer"
    rows = [
        told(
            f"{(english, german)[n % 2]} {n}" + " and so on" * (40 * (n % 3 == 0)),
            ("late", "lost")[n % 2],
            task="triage",
            region=("north", "south")[n % 2],
            ticket=f"T-{n}",
            thread_id=f"c{n // 2}",
        )
        for n in range(12)
    ]
    cases = load_suite(write(tmp_path / "test.jsonl", rows), name="test").cases
    first = {"task": "triage", "label": "late", "language": "en", "length": "medium", "region": "north"}
    assert cases[0].slices == first and cases[1].slices["language"] == "de" and cases[1].slices["label"] == "lost"
    assert [case.group for case in cases[:3]] == ["c0", "c0", "c1"]
    assert not any("ticket" in case.slices for case in cases)


def test_what_all_rows_share_is_no_slice(tmp_path: Path) -> None:
    rows = [told(f"question {n}", f"a long answer {n}\nof two lines", region="north") for n in range(12)]
    assert all(not case.slices and not case.group for case in load_suite(write(tmp_path / "t.jsonl", rows)).cases)
