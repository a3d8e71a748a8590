from __future__ import annotations

import json
from pathlib import Path

from trainer.data import card
from trainer.data.check import check
from trainer.data.findings import CODES


def row(n: int) -> str:
    return json.dumps({"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": "a" * n}]})


def report_of(path: Path, *lines: str):
    path.write_text("\n".join(lines) + "\n")
    return check(path)


def test_a_good_file_is_called_good(tmp_path: Path) -> None:
    report = report_of(tmp_path / "f.jsonl", *[row(i) for i in range(1, 13)])
    assert card.headline(report) == "Good: all 12 rows can be trained on."
    assert card.worst(report) == [] and len(card.numbers(report)) == 5


def test_findings_are_summed_worst_first(tmp_path: Path) -> None:
    lines = [*[row(i) for i in range(1, 13)], "{}", "", *["[]"] * 7, row(1)]
    report = report_of(tmp_path / "f.jsonl", *lines)
    codes = [(s.code, s.count, s.first_lines[:2]) for s in card.summary(report)]
    assert codes[:2] == [("not_an_object", 7, (15, 16)), ("missing_messages", 1, (13,))]
    assert card.headline(report) == "Usable, with a look: 13 of 21 rows can be trained on; 8 errors, 2 warnings."
    assert card.worst(report, 1) == ["Line 15: A row is a JSON object; this is a list. (6 more like it)"]
    assert "(lines 15, 16, 17, 18, 19, …)" in str(card.summary(report)[0])


def test_a_broken_file_leads_with_the_reason(tmp_path: Path) -> None:
    report = report_of(tmp_path / "f.jsonl", "a,b", "1,2")
    assert card.headline(report).startswith("Broken: This looks like CSV")
    assert card.text(report).count("\n") == 1
    few = report_of(tmp_path / "g.jsonl", row(1))
    assert card.headline(few) == "Broken: The file has 1 usable row; training needs at least 10."
    none = report_of(tmp_path / "h.jsonl", "{}", "{}")
    assert card.headline(none) == "Broken: none of the 2 rows can be trained on."
    assert card.worst(none, 1) == ["The file has 0 usable rows; training needs at least 10."]


def test_the_histogram_is_a_picture(tmp_path: Path) -> None:
    report = report_of(tmp_path / "f.jsonl", *[row(i) for i in range(1, 40)])
    bins = report.stats["answer_histogram"]
    assert sum(bins["counts"]) == 39 and len(bins["edges"]) == len(bins["counts"]) + 1
    drawn = card.length_histogram(report, tmp_path / "h.png")
    assert drawn and drawn.read_bytes().startswith(b"\x89PNG")
    assert card.length_histogram({"rows": 0}, tmp_path / "none.png") is None


def test_every_code_has_a_meaning_in_plain_words() -> None:
    assert all(code.isidentifier() and meaning and not meaning.endswith(".") for code, (_, meaning) in CODES.items())
