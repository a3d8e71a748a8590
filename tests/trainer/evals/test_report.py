"""A report as people read it: verdict first, every unit in its own words, and what an old report still tells."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.evals.reports import GATE, ROWS, STOP, around, judge, old_style, report, row
from trainer.evals import report as told
from trainer.evals.case import BASE, CANDIDATE
from trainer.evals.outcome import EvalReport, Finding
from trainer.evals.report import charts, examples, kept, scores, sentences, table, words
from trainer.types import GateVerdict

UNITS = {
    "share": ("95.0 % (90.0 to 100.0)", "+95.0 points (+90.0 to +100.0)"),
    "points": ("0.9 (0.9 to 1.0)", "+0.9 points (+0.9 to +1.0)"),
    "ratio": ("0.95 (0.9 to 1)", "+0.95 (+0.9 to +1)"),
    "nats": ("0.95 nats (0.9 to 1)", "+0.95 nats (+0.9 to +1)"),
    "seconds": ("0.95 s (0.9 to 1)", "+0.95 s (+0.9 to +1)"),
    "tokens": ("0.95 tokens (0.9 to 1)", "+0.95 tokens (+0.9 to +1)"),
}


@pytest.mark.parametrize("unit", UNITS)
def test_figures_are_said_in_their_unit(unit: str) -> None:
    assert (words.value(around(0.95), unit), words.change(around(0.95), unit)) == UNITS[unit]


@given(st.floats(), st.floats(), st.floats(), st.sampled_from([*UNITS, "volts"]))
def test_no_figure_breaks_a_sentence(mid: float, low: float, high: float, unit: str) -> None:
    odd = replace(around(0.5), estimate=mid, low=low, high=high)
    assert words.value(odd, unit) and words.change(odd, unit)


def test_a_difference_reads_by_what_is_better() -> None:
    gain, unclear = around(0.2, clip=False), around(0.01, clip=False)
    assert (words.reads(gain, "higher"), words.reads(gain, "lower")) == ("better", "worse")
    assert words.reads(unclear, "higher") == words.reads(gain, "") == ""


def test_the_verdict_stands_first_and_everybody_is_told() -> None:
    said = told.lines(report("FAIL", "forgot"))
    assert said[0].startswith("FAIL")
    whole = "\n".join(said)
    assert "against the base: 76 won, 0 lost, 4 equal of 80 rows; +95.0 points" in whole
    assert "against the alias's model: 30 won, 2 lost" in whole
    assert "old-skills/task=sums: 18 of 20 kept." in whole
    assert "registered before training (digest " + GATE.digest[:12] in whole


def test_a_loss_outside_the_test_is_told_and_a_draw_is_not() -> None:
    lost = replace(report().comparisons[0], suite="old-skills", wins=0, losses=60, difference=around(-0.9, clip=False))
    drawn = replace(lost, losses=0, difference=around(0.0, clip=False))
    assert (
        "old-skills, exact match, against the base: 0 won, 60 lost" in sentences.duels(report(comparisons=(lost,)))[0]
    )
    assert sentences.duels(report(comparisons=(drawn,))) == []


def test_a_finding_names_its_suite_once() -> None:
    lost = Finding(GateVerdict.FAIL, "unsafe", "8 of 20 are refused no longer.", suite="refusals")
    assert sentences.reasons(report(findings=(lost,), reasons=(lost.reason, "Beside that.")))[0] == (
        GateVerdict.FAIL,
        "refusals: 8 of 20 are refused no longer.",
    )
    named = replace(lost, reason="refusals: 8 of 20 are refused no longer.")
    assert [text for _, text in sentences.reasons(report(findings=(named,), reasons=(named.reason,)))] == [named.reason]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "It only advises: κ 0.42, α 0.40 with people on 60 rows; 100 labels by people and κ of 0.6 are asked"),
        ({"labels": 0, "kappa": None}, "nobody has labelled these rows yet"),
        ({"benched": "it always prefers the first answer."}, "Benched, nobody should listen to it: it always prefers"),
        ({"advisory": False, "labels": 120, "kappa": 0.7}, "It agrees with people: κ 0.70"),
        ({"kind": "rubric", "scores": {"tone": {BASE: around(6.1), CANDIDATE: around(8.2)}}}, "tone base 6.1, tuned"),
    ],
)
def test_a_judge_is_told_with_its_standing(changes: dict[str, object], said: str) -> None:
    assert said in sentences.judge(report(), judge(**changes))[0]


def test_what_speaks_against_it_comes_first_and_remarks_apart() -> None:
    made = report("FAIL", "forgot")
    assert [verdict for verdict, _ in sentences.reasons(made)] == [GateVerdict.FAIL, GateVerdict.PASS]
    assert sentences.remarks(made) == [STOP, *made.notes]
    assert sentences.remarks(EvalReport.from_dict(old_style())) == []


def test_the_table_holds_everybody_with_the_test_first() -> None:
    lines = table.lines(report())
    assert [(line.suite, line.metric) for line in lines] == [
        ("test", "exact_match"),
        ("test", "latency"),
        ("old-skills", "exact_match"),
    ]
    assert [c.key for c in table.contestants(report())] == ["base", "few_shot", "holder", "candidate"]
    assert lines[0].difference and lines[0].difference.estimate == 0.95 and lines[2].difference is None


def test_markdown_is_a_table_that_nothing_breaks_out_of() -> None:
    bad = report(reasons=("<img src=x> | [a](b)\nnew line",), findings=())
    page = told.markdown(bad, people=["People | said"])
    assert "| test | exact match | 80 | 0.0 % (0.0 to 5.0) |" in page
    assert r"\<img src=x\> \| \[a\](b) new line" in page and r"People \| said" in page


def test_files_bring_back_the_whole_report(tmp_path: Path) -> None:
    assert told.load(told.dump(report(), tmp_path / "r.json")) == report()


def test_an_old_report_is_still_told(tmp_path: Path) -> None:
    old = EvalReport.from_dict(json.loads(json.dumps(old_style())))
    page = told.markdown(old)
    assert "exact_match: +95 points" in page and "old-skills: 58 of 60 that the base has right are kept" in page
    assert told.chart(old, tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert "old skills kept: base 100.0 %" in told.described(old)
    assert "not registered" in told.html(old)


def test_rows_of_an_old_report_are_read() -> None:
    old = {"suite": "test", "id": "ticket1", "slice": "tickets", "expected": "a", "base": "b", "tuned": "a"}
    old |= {"base_scores": {"exact_match": 0.0}, "tuned_scores": {"exact_match": 1.0}, "base_cut": True}
    (read,) = kept.rows_of([old])
    assert (read.answers[BASE].text, read.answers[BASE].cut, read.answers[CANDIDATE].text) == ("b", True, "a")
    assert kept.rows_of([EvalReport.to_dict(report())["rows"][0]]) == (ROWS[0],)


def test_pictures_show_what_their_words_say(tmp_path: Path) -> None:
    hostile = report(candidate="$x^$ \n" * 50)
    assert told.chart(hostile, tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert told.forest(hostile, tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")
    assert "test, exact match: base 0.0 % (0.0 to 5.0), base + 4 examples 25.0 %" in told.described(report())
    assert "latency" not in told.described(report())  # seconds are no share
    assert [one.slice for one in charts.differences(report())] == ["", "", "task=sums", "task=copy"]


def test_rows_are_shown_by_what_became_of_them() -> None:
    def of(tuned: float, base: float | None) -> str:
        scores = {CANDIDATE: {"exact_match": tuned}} | ({BASE: {"exact_match": base}} if base is not None else {})
        return examples.outcome(report(), replace(ROWS[0], scores=scores))

    assert [of(1, 1), of(1, 0), of(0, 1), of(0.5, 0), of(1, None)] == ["right", "won", "lost", "wrong", "right"]
    assert examples.outcome(report(), replace(ROWS[0], scores={})) == "unscored"
    assert [(g.code, g.count) for g in examples.groups(report())] == [("wrong", 3), ("won", 9)]


def test_only_the_worst_rows_are_shown_and_the_rest_counted() -> None:
    wrong, won = examples.groups(report(), most=4)
    assert (len(wrong.examples), len(won.examples), won.count) == (3, 1, 9)
    assert sum(len(g.examples) for g in examples.groups(report(), characters=1)) == 1


def test_a_difference_is_told_word_by_word() -> None:
    pieces = examples.differences('{"n": 4}', '{"n": 14} ok')
    assert [(p.text, p.kind) for p in pieces if p.kind] == [("4", "missing"), ("14", "added"), (" ok", "added")]
    said = examples.groups(report(rows=(row(4, '{"n": 4}', right=True),)))[0].examples[0].said
    assert said[0].who == "tuned" and said[0].about == "As expected, letter by letter."


@given(st.text(max_size=300), st.text(max_size=300))
def test_differences_lose_no_letter(expected: str, said: str) -> None:
    pieces = examples.differences(expected, said)
    assert "".join(p.text for p in pieces if p.kind != "missing") == said
    assert "".join(p.text for p in pieces if p.kind != "added") == expected


def test_single_scores_have_mean_least_and_greatest() -> None:
    (found,) = scores.spread(report())
    assert found.sides[CANDIDATE] == (0.75, 0.0, 1.0) and found.improvement == 0.75 and found.n == 12
