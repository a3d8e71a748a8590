"""What the services refuse is said by name, and never stands in the way of training here."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from trainer.data.analyze import Batch, Scene
from trainer.data.check import check
from trainer.data.formats import FORMATS, load_format
from trainer.data.target_rules import TargetRules
from trainer.data.targets import load_target, target_names, targets_as_of
from trainer.errors import BadInput
from trainer.settings import Settings
from trainer.types import Severity, Verdict

USER, ASSISTANT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be kind"}


def called(tool_id: str) -> dict[str, Any]:
    call = {"id": tool_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": tool_id, "content": "r"}
    return {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [call]}, result, ASSISTANT]}


PREFERENCE = {"input": {"messages": [USER]}, "preferred_output": [ASSISTANT], "non_preferred_output": [ASSISTANT]}
ROWS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("openai", "openai-chat", {"messages": [SYSTEM, USER, ASSISTANT | {"weight": 0}, USER, ASSISTANT]}, []),
    ("openai", "openai-chat", called("call_1"), []),
    ("openai", "openai-chat", {"messages": [USER, ASSISTANT], "tools": [{}] * 129}, ["target_too_many_tools"]),
    ("mistral", "openai-chat", called("call_1"), ["target_tool_id", "target_tool_id"]),
    ("mistral", "openai-chat", called("a1B2c3D4e"), []),
    ("mistral", "openai-chat", called("a1B2c3D4é"), ["target_tool_id", "target_tool_id"]),
    ("mistral", "openai-chat", {"messages": [{"role": "developer", "content": "x"}, USER, ASSISTANT]}, ["target_role"]),
    ("together", "openai-chat", {"messages": [USER, USER, ASSISTANT]}, ["target_order"]),
    ("together", "openai-chat", {"messages": [USER, SYSTEM, ASSISTANT]}, ["target_system_place"]),
    ("together", "openai-chat", {"messages": [USER, ASSISTANT], "functions": []}, ["target_key"]),
    ("together", "openai-preference", PREFERENCE, []),
    ("together", "openai-preference", PREFERENCE | {"preferred_output": [ASSISTANT] * 2},
     ["target_order", "target_outputs"]),
    ("together", "trl-prompt-completion", {"prompt": "a", "completion": "b"}, []),
    ("trl", "openai-chat", {"messages": [USER, ASSISTANT | {"weight": 0}, USER, ASSISTANT]}, ["target_weight"]),
    ("trl", "trl-preference", {"chosen": [{"role": "function", "content": "x"}], "rejected": []}, ["target_role"]),
    ("vertex", "openai-chat", called("call_1"), []),
]  # fmt: skip


@pytest.mark.parametrize(("target", "format", "row", "codes"), ROWS)
def test_a_row_meets_the_targets_rules(target: str, format: str, row: dict[str, Any], codes: list[str]) -> None:
    problems = list(load_target(target).inspect(row, format))
    assert [p.code for p in problems] == codes
    assert all(p.severity is not Severity.ERROR and p.path and p.found for p in problems)


def test_a_file_meets_the_targets_rules() -> None:
    today = date(2026, 11, 21)
    openai = [p.code for p in load_target("openai").whole(9, 2**30, "alpaca", today)]
    assert openai[:3] == ["target_format", "target_too_few_rows", "target_too_large"]
    assert set(openai[3:]) == {"target_ends"}
    assert [p.code for p in load_target("fireworks").whole(3_000_001, 1, "openai-chat", today)] == [
        "target_too_many_rows"
    ]
    assert list(load_target("trl").whole(1, 1, "trl-text", date(2030, 1, 1))) == []


def test_ends_are_said_with_the_days_that_are_left() -> None:
    said = [p.message for p in load_target("openai").whole(10, 1, "openai-chat", date(2026, 12, 7))]
    assert any("ends on 2027-01-06, in 30 days" in text for text in said)
    assert any("ended on 2026-05-07" in text for text in said)
    assert not any("evals" in text for text in said)
    graded = load_target("openai").whole(10, 1, "openai-reinforcement", date(2026, 12, 7))
    assert any("evals" in p.message for p in graded)
    later = list(load_target("openai").whole(10, 1, "openai-chat", date(2025, 1, 1)))
    assert {p.severity for p in later} == {Severity.INFO}
    mistral = list(load_target("mistral").whole(10, 1, "openai-chat", date(2026, 12, 7)))
    assert [p.code for p in mistral] == ["target_ends"]


def test_old_rules_are_said_to_be_old() -> None:
    old = list(load_target("together").whole(10, 1, "openai-chat", date(targets_as_of().year + 1, 12, 1)))
    assert [p.code for p in old] == ["target_old_rules"]


def test_every_target_takes_formats_that_exist() -> None:
    assert set(target_names()) == {"openai", "azure-openai", "together", "fireworks", "mistral", "vertex", "trl"}
    for name in target_names():
        target = load_target(name)
        assert target.formats and set(target.formats) <= set(FORMATS)
        assert target.source and (target.tool_id is None) == (target.tool_id_words == "")
    with pytest.raises(BadInput, match="no target 'foo'"):
        load_target("foo")


def batch(rows: list[dict[str, Any]], format: str = "openai-chat") -> Batch:
    known = load_format(format)
    raw = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return Batch(range(1, len(rows) + 1), rows, [known.view(row) for row in rows], raw)


def rules(tmp_path: Path, target: str | None, format: str = "openai-chat") -> TargetRules:
    return TargetRules(Scene(load_format(format), Settings.model_construct(), tmp_path, target=target))


def test_the_check_says_it_row_by_row(tmp_path: Path) -> None:
    plain = {"messages": [USER, ASSISTANT]}
    wrong = {"messages": [USER, USER, ASSISTANT]}
    analyzer = rules(tmp_path, "together")
    found = list(analyzer.add(batch([plain, wrong, plain, wrong])))
    assert [(f.line, f.code) for f in found] == [(2, "target_order"), (4, "target_order")]
    assert [(f.line, f.code) for f in analyzer.add(batch([called("x"), wrong]))] == [(2, "target_order")]
    list(analyzer.finish())
    assert analyzer.stats() == {"target": {"name": "together", "findings": {"target_order": 3}}}


def test_rows_of_the_fast_path_are_told_by_their_roles(tmp_path: Path) -> None:
    chats = [{"messages": [USER, ASSISTANT]}, {"messages": [USER, USER, ASSISTANT]}] * 3
    plain = batch(chats)
    rows = load_format("openai-chat").block(plain.raw)
    assert rows and type(rows[0]) is not dict
    found = list(rules(tmp_path, "together").add(replace(plain, rows=rows)))
    assert [(f.line, f.code) for f in found] == [(n, "target_order") for n in (2, 4, 6)]


def test_without_a_target_nothing_is_said(tmp_path: Path) -> None:
    analyzer = rules(tmp_path, None)
    assert list(analyzer.add(batch([{"messages": [USER, USER, ASSISTANT]}]))) == list(analyzer.finish()) == []
    assert analyzer.stats() == {}


def test_a_row_beyond_the_context_is_guessed_from_its_bytes(tmp_path: Path) -> None:
    long = {"messages": [USER, ASSISTANT | {"content": "word " * 60_000}]}
    short = {"messages": [USER, ASSISTANT]}
    found = list(rules(tmp_path, "openai").add(batch([short, long, short])))
    assert [(f.line, f.code) for f in found] == [(2, "target_row_too_long")]


def test_the_quick_way_finds_what_the_thorough_way_finds(tmp_path: Path) -> None:
    chats = [row for _, format, row, _ in ROWS if format == "openai-chat" and "tools" not in row]
    for name in target_names():
        target = load_target(name)
        thorough = [p.at(i).code for i, row in enumerate(chats, 1) for p in target.inspect(row, "openai-chat")]
        one_by_one = rules(tmp_path, name)
        quick = [f.code for row in [*chats, *chats] for f in one_by_one.add(batch([row]))]
        assert quick == thorough * 2


def test_the_front_door_keeps_the_file_trainable(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text("".join(json.dumps(called(f"call_{i}")) + "\n" for i in range(12)))
    report = check(path, target="mistral")
    found = [f for f in report.findings if f.code == "target_tool_id"]
    assert len(found) == 24 and found[0].line == 1 and "Mistral refuses" in found[0].message
    assert report.accepted == 12 and report.verdict is not Verdict.BROKEN
