from __future__ import annotations

import json
from pathlib import Path

from trainer.data import card
from trainer.data.check import check
from trainer.data.findings import CODES
from trainer.data.log import Findings
from trainer.types import CheckReport, Finding, Severity, Verdict


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
    lines = [*[row(i) for i in range(1, 13)], "{}", "", *["[]"] * 7, row(13)]
    report = report_of(tmp_path / "f.jsonl", *lines)
    codes = [(s.code, s.count, s.first_lines[:2]) for s in card.summary(report)]
    assert codes[:2] == [("not_an_object", 7, (15, 16)), ("missing_messages", 1, (13,))]
    assert card.headline(report) == "Usable, with a look: 13 of 21 rows can be trained on; 8 errors, 1 warning."
    assert card.worst(report, 1) == ["Line 15: A row is a JSON object; this is a list. (6 more like it)"]
    assert "(lines 15, 16, 17, 18, 19, …)" in str(card.summary(report)[0])


def test_a_broken_file_leads_with_the_reason(tmp_path: Path) -> None:
    report = report_of(tmp_path / "f.jsonl", "<!DOCTYPE html>", "<html><title>Sign in</title></html>")
    assert card.headline(report).startswith("Broken: This is a web page")
    assert card.text(report).count("\n") == 1
    few = report_of(tmp_path / "g.jsonl", row(1))
    assert card.headline(few) == "Broken: The file has 1 usable row; training needs at least 10."
    none = report_of(tmp_path / "h.jsonl", "{}", "{}")
    assert card.headline(none) == "Broken: none of the 2 rows can be used."
    assert card.worst(none, 1) == ["The file has 0 usable rows; training needs at least 10."]


def test_the_histogram_is_a_picture(tmp_path: Path) -> None:
    report = report_of(tmp_path / "f.jsonl", *[row(i) for i in range(1, 40)])
    bins = report.stats["answer_histogram"]
    assert sum(bins["counts"]) == 39 and len(bins["edges"]) == len(bins["counts"]) + 1
    drawn = card.length_histogram(report, tmp_path / "h.png")
    assert drawn and drawn.read_bytes().startswith(b"\x89PNG")
    assert card.length_histogram({"rows": 0}, tmp_path / "none.png") is None


def test_every_code_has_a_meaning_in_plain_words() -> None:
    assert all(code.isidentifier() and about.meaning and about.meaning[-1] != "." for code, about in CODES.items())


def a_report(findings: list[Finding], *, rows: int, accepted: int, **kw: object) -> CheckReport:
    verdict = Verdict.BROKEN if accepted < 10 else Verdict.WARNINGS
    return CheckReport(verdict, "openai-chat", rows, accepted, Findings(findings), 1, "", "", **kw)  # type: ignore[arg-type]


def error(line: int, code: str) -> Finding:
    return Finding(line, code, Severity.ERROR, f"About {code}.")


def test_what_can_be_mended_is_said_with_the_verdict() -> None:
    broken = a_report([error(n, "bad_weight") for n in range(1, 481)], rows=500, accepted=0, mendable=480)
    assert card.headline(broken) == "Broken as it is, but 480 of 500 rows can be mended: press Fix."
    some = a_report([error(1, "bad_weight")], rows=20, accepted=19, mendable=1)
    assert card.headline(some).endswith("1 error, 0 warnings. 1 more can be mended: press Fix.")
    many = a_report([error(1, "bad_weight")], rows=90_000, accepted=9, mendable=70_000)
    assert "but about 70,000 of 90,000 rows can be mended" in card.headline(many)
    assert card.can_be_mended(broken) and not card.can_be_mended(a_report([], rows=20, accepted=20))


def test_a_fix_is_promised_only_where_it_was_tried_and_helped() -> None:
    found = a_report([error(n, "invalid_json") for n in range(1, 31)], rows=30, accepted=0)
    assert not card.can_be_mended(found) and "Broken: none of the 30 rows" in card.headline(found)
    asked = a_report([error(n, "unknown_key") for n in range(1, 31)], rows=30, accepted=0)
    assert card.can_be_mended(asked) and "mended" not in card.headline(asked)


def test_mixed_formats_are_named_with_their_counts() -> None:
    mixed = a_report([], rows=30, accepted=20, formats={"openai-chat": 20, "unheard-of": 10})
    assert card.headline(mixed).endswith("The file mixes formats: 20 OpenAI chat, 10 unheard-of.")


def test_columns_of_unknown_names_come_with_a_proposal() -> None:
    found = a_report([], rows=30, accepted=0, mapping={"prompt": "frage", "completion": "sk-1234567890abcdefgh"})
    assert card.headline(found) == (
        "Not readable yet: its columns have names of their own. "
        "I would take 'frage' as prompt and '(hidden)' as completion."
    )


def test_the_five_numbers_say_how_tokens_were_counted() -> None:
    email = {"title": "e-mail address", "group": "personal", "rows": 3, "hits": 5, "first_lines": [1, 4, 9]}
    tokens = {"total": 1234, "exact": True, "error": 0.0, "base": "tiny-base", "how": "all 30 rows"}
    stats = {"tokens": tokens, "sensitive": {"kinds": {"email": email}, "rows": 3}}
    told = card.numbers(a_report([], rows=30, accepted=30, stats=stats, duplicates=2, near_duplicates=1))
    assert len(told) == 5
    assert (told["Duplicates"], told["Sensitive"]) == ("2 exact, 1 near", "3 rows: e-mail address 3")
    assert told["Tokens"] == "1,234 (exact, tiny-base)"
