"""The guides' rules through their front door: a question in, a verdict with reasons out."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.advice.hosted import ended, hosted, notices
from trainer.advice.request import WORDS
from trainer.advice.rules import HEADLINES, AdviceRequest, Way, advise, from_text
from trainer.advice.table import BANDS, MATRIX, RULES, band

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("Should we fine-tune or use RAG for daily changing prices?", Way.RAG),
        ("We have 500 tickets to turn into strict JSON.", Way.FINE_TUNE),
        ("Answers must cite our internal documents.", Way.RAG),
        ("Policy answers with sources, in our brand voice, 800 examples", Way.RAG_AND_FINE_TUNE),
        ("Summarize emails, a simple task", Way.PROMPT),
        ("I want JSON output but have not tried prompting yet", Way.PROMPT),
        ("Brand voice; 30 examples", Way.PROMPT),
        ("Brand voice; 30 examples, we tried few-shot prompts", Way.COLLECT_DATA),
        ("1000+ examples in our tone but the data is noisy; prompts tried? we tried prompting", Way.COLLECT_DATA),
        ("We must be able to change its answers instantly", Way.PROMPT),
        ("2,000 medical conversations in strict format", Way.FINE_TUNE),
        ("hello", Way.PROMPT),
        ("", Way.PROMPT),
    ],
)
def test_questions_get_the_guides_answer(question: str, verdict: Way) -> None:
    advice = advise(from_text(question), today=TODAY)
    assert advice.verdict is verdict
    assert advice.headline == HEADLINES[verdict] and advice.next_steps


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("1.5k examples", "examples", 1500),
        ("2,000 medical conversations", "examples", 2000),
        ("about 10 000", "examples", None),
        ("500+ support tickets", "examples", 500),
        ("3 thousand labelled rows", "examples", 3000),
        ("3000 preference pairs", "preference_pairs", 3000),
        ("an 8B model on 24 GB", "model_billions", 8.0),
        ("an 8B model on 24 GB", "gpu_memory_gb", 24.0),
        ("not JSON", "strict_format", False),
        ("nothing known", "strict_format", None),
        ("we already tried prompting", "tried_prompting", True),
        ("we haven't tried prompts", "tried_prompting", False),
    ],
)
def test_what_a_sentence_tells(text: str, field: str, value: object) -> None:
    assert getattr(from_text(text), field) == value


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=80) | st.from_regex(r"\d[\d.,]{0,12} ?(k|million)? examples in JSON", fullmatch=True))
def test_any_text_is_answered(text: str) -> None:
    advice = advise(from_text(text), today=TODAY)
    assert len(advice.questions) <= 2
    assert advice.to_dict()["verdict"] == advice.verdict.value


def test_every_rule_can_hold_and_names_its_source() -> None:
    facts = dict.fromkeys(WORDS, True) | {"preference_pairs": 10}
    variants = [AdviceRequest(**facts, tried_prompting=t, examples=n) for t in (True, False) for n in (10, 700, 5000)]  # type: ignore[arg-type]
    for rule in RULES:
        assert any(rule.when(variant) for variant in variants), rule.name
        assert re.fullmatch(r"S\d-\d+(, S\d-\d+)*", rule.source) and rule.why.endswith(".")
        assert rule.prompt or rule.rag or rule.fine_tune


def test_unknown_is_said_and_asked_not_taken_as_no() -> None:
    advice = advise(AdviceRequest(strict_format=True), today=TODAY)
    assert advice.verdict is Way.FINE_TUNE
    assert "that prompting has been tried and falls short" in advice.assumed
    assert len(advice.questions) == 2 and "How many" in advice.questions[0]


def test_reasons_stand_on_both_sides() -> None:
    advice = advise(AdviceRequest(style=True, examples=800, budget_tight=True), today=TODAY)
    assert {r.source for r in advice.reasons_for} == {"S0-5, S1-1", "S3-21"}
    assert [r.source for r in advice.reasons_against] == ["S3-6", "S4-5"]


def test_the_guides_conflict_on_accuracy_is_said() -> None:
    notes = " ".join(advise(AdviceRequest(needs_facts=True), today=TODAY).notes)
    assert "S2-2" in notes and "S0-7" in notes


@pytest.mark.parametrize(
    ("facts", "method"),
    [
        ({}, "lora"),
        ({"model_billions": 8, "gpu_memory_gb": 12}, "qlora"),
        ({"preference_pairs": 2000}, "dpo"),
        ({"examples": 20_000, "model_billions": 1, "gpu_memory_gb": 80}, "full"),
        ({"examples": 20_000}, "lora"),
    ],
)
def test_the_method_fits_data_and_memory(facts: dict[str, float], method: str) -> None:
    advice = advise(AdviceRequest(**{"style": True, "examples": 600, **facts}), today=TODAY)  # type: ignore[arg-type]
    assert advice.method and advice.method.name == method


def test_no_method_is_suggested_where_none_is_needed() -> None:
    assert advise(AdviceRequest(changing_knowledge=True), today=TODAY).method is None


def test_bands_cover_every_size_without_gap_and_the_matrix_is_whole() -> None:
    assert [b.high for b in BANDS[:-1]] == [b.low for b in BANDS[1:]] and BANDS[-1].high is None
    assert [band(n).name for n in (0, 10, 50, 499, 500, 9999, 10_000)] == [
        "none", "too few", "weak", "fair", "good", "strong", "full"]  # fmt: skip
    assert all((row.prompt, row.rag, row.fine_tune) for row in MATRIX)


def test_end_dates_are_said_before_and_after() -> None:
    before, after = notices(TODAY), notices(date(2027, 2, 1))
    assert any("fine-tuning for everyone ends on 2027-01-06, in 46 days" in line for line in before)
    assert any("fine-tuning for everyone ended on 2027-01-06" in line for line in after)
    assert any("Mistral" in line and "no end date" in line for line in before)
    assert any("look them up again" in line for line in notices(date(2027, 6, 1)))
    assert hosted().as_of <= TODAY


@pytest.mark.parametrize(
    ("model", "gone"),
    [
        ("gpt-4o-mini-2024-07-18", True),
        ("ft:gpt-4o-mini-2024-07-18:acme:support:abc123", True),
        ("gpt-4.1", True),
        ("gpt-4.1-nano", False),
        ("tiny-base", False),
    ],
)
def test_models_that_ended(model: str, gone: bool) -> None:
    assert bool(ended(model, date(2027, 1, 14))) == gone
    assert ended(model, date(2027, 1, 13)) is None


def test_files_stay_readable() -> None:
    for path in Path(__file__).parents[3].glob("trainer/advice/*.py"):
        assert len(path.read_text().splitlines()) <= 300
