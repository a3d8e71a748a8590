"""What the check says can be mended is what the fix then mends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trainer.data.defects import DEFECTS, good, strewn, write
from trainer.data.card import headline
from trainer.data.check import check
from trainer.data.fix import fix
from trainer.data.fix.trial import EACH
from trainer.types import CheckReport

PAIR = {"prompt": "Which?", "chosen": "this", "rejected": "that"}


def gained(path: Path, folder: Path) -> tuple[CheckReport, int]:
    """The report before, and how many more rows are there after (exact copies that were dropped included)."""
    report, made = check(path, structure_only=True), fix(path, folder)
    assert made.rows + made.quarantined + made.duplicates + made.blank == made.records + made.split
    return report, made.rows + made.duplicates - made.split - report.accepted


SPOILT: dict[str, Callable[[str], str]] = {
    "a comma at the end of the object": lambda row: row[:-1] + ",}",
    "a comma behind the row": lambda row: row + ",",
    "printed Python": lambda row: repr(json.loads(row)),
    "a comment": lambda row: row + " // checked",
    "a tab": lambda row: row.replace("q ", "q\t"),
    "a byte order mark in mid-file": lambda row: "\ufeff" + row,
    "encoded twice": json.dumps,
    "no closing bracket": lambda row: row[:-1],
    "a key twice": lambda row: '{"messages": [], ' + row[1:],
    "a number in the place of a row": lambda row: "17",
    "a bare text": lambda row: '"hello"',
}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("among", [0, 20])
def test_one_defect_in_many_rows(how: str, among: int, tmp_path: Path) -> None:
    lines = [*good(among), *map(SPOILT[how], good(30, 100))]
    report, more = gained(write(tmp_path / "f.jsonl", *lines, *good(1, 999)), tmp_path / "out")
    assert report.mendable == more
    assert ("can be mended" in headline(report)) == bool(more)


def test_every_defect_at_once(tmp_path: Path) -> None:
    lines, _ = strewn(4, each=2, clean=40)
    report, more = gained(write(tmp_path / "f.jsonl", *lines), tmp_path / "out")
    assert 0 < report.mendable == more < len(DEFECTS) * 2


def test_rows_that_no_fix_can_convert_are_not_promised(tmp_path: Path) -> None:
    pairs = [json.dumps(PAIR | {"prompt": f"Which {n}?"}) for n in range(20)]
    report, more = gained(write(tmp_path / "f.jsonl", *pairs, *good(12)), tmp_path / "out")
    assert report.mendable == more == 0


def test_the_format_is_told_by_the_mended_rows(tmp_path: Path) -> None:
    pairs = [json.dumps(PAIR | {"prompt": f"Which {n}?"})[:-1] + ",}" for n in range(20)]
    report, more = gained(write(tmp_path / "f.jsonl", *pairs), tmp_path / "out")
    assert report.mendable == more == 20


def test_of_a_flood_some_are_tried(tmp_path: Path) -> None:
    lines = [row + "," for row in good(EACH + 6400)]
    report = check(write(tmp_path / "f.jsonl", *lines), structure_only=True)
    assert report.mendable == len(lines) and "about 8,400 of 8,400 rows" in headline(report)


def test_rows_that_end_in_u2028_are_all_kept(tmp_path: Path) -> None:
    for end in ("", "\u2028"):
        path = tmp_path / "f.jsonl"
        path.write_text("\u2028".join(good(12)) + end, encoding="utf-8")
        assert fix(path, tmp_path / "out").rows == 12
