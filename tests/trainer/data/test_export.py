"""A chat row that a format can carry comes back as it was; any other is skipped by line, with the reason."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.data.builder import DatasetBuilder
from trainer.data.check import check, rows
from trainer.data.export import WAYS, export, settled
from trainer.data.formats import detect, load_format
from trainer.data.formats.openai_chat import text_of
from trainer.errors import BadInput
from trainer.types import Severity

USER, ASSISTANT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be kind"}
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]


def call(tool_id: str, arguments: str = '{"q": "x"}') -> dict[str, Any]:
    return {"id": tool_id, "type": "function", "function": {"name": "find", "arguments": arguments}}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(tool_id: str, text: str = "found") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": tool_id, "content": text}


PLAIN = {"messages": [SYSTEM, USER, ASSISTANT]}
MULTI = {"messages": [USER, ASSISTANT, USER, {"role": "assistant", "content": "Bye"}]}
TOOL = {"messages": [USER, calling(call("call_1")), result("call_1"), ASSISTANT], "tools": TOOLS}
TWO = {
    "messages": [USER, calling(call("a"), call("b")), result("a", "1"), result("b", "{}"), ASSISTANT],
    "tools": TOOLS,
}


def exported(format: str, *given: dict[str, Any]) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    out = io.BytesIO()
    done = export(given, out, format)
    text = out.getvalue().decode()
    written = json.loads(text) if WAYS[format].array else [json.loads(line) for line in text.split("\n") if line]
    assert len(written) == done.rows and done.rows + len(done.skipped) == len(given)
    return written, done.skipped


def back(format: str, row: dict[str, Any]) -> dict[str, Any]:
    chat = load_format(WAYS[format].format).chat(row)
    assert chat is not None
    return chat


CARRIED = [(format, row) for format in WAYS for row in (PLAIN, MULTI, TOOL, TWO)]
CANNOT = [("alpaca", TOOL), ("alpaca", TWO), ("trl-prompt-completion", MULTI)]
CANNOT += [("trl-prompt-completion", TOOL), ("trl-prompt-completion", TWO)]


@pytest.mark.parametrize(("format", "row"), CARRIED)
def test_what_can_be_carried_comes_back(format: str, row: dict[str, Any]) -> None:
    written, skipped = exported(format, row)
    if (format, row) in CANNOT:
        assert not written and skipped[0][0] == 1 and skipped[0][1].endswith((".", "only."))
    else:
        assert not skipped and settled(back(format, written[0])) == settled(row)
        assert detect(written[0]) == WAYS[format].format


SKIPPED = [
    ("alpaca", {"messages": [USER, USER, ASSISTANT]}, "in turn"),
    ("alpaca", {"messages": [{"role": "developer", "content": "x"}, USER, ASSISTANT]}, "no developer"),
    ("alpaca", {"messages": [USER, ASSISTANT | {"weight": 0}, USER, ASSISTANT]}, "weight 0"),
    ("alpaca", {"messages": [USER | {"name": "bob"}, ASSISTANT]}, "names"),
    ("alpaca", {"messages": [USER, ASSISTANT], "tools": TOOLS}, "tools"),
    ("sharegpt", {"messages": [USER, ASSISTANT, ASSISTANT]}, "in turn"),
    ("sharegpt", {"messages": [USER, calling(call("a", '{"a": 1, "a": 2}'))]}, "a key twice"),
    ("sharegpt", {"messages": [USER, calling(call("a")) | {"content": "wait"}]}, "in one turn"),
    ("sharegpt", {"messages": [*TWO["messages"][:2], result("b"), result("a"), ASSISTANT]}, "order of their calls"),
    ("vertex", {"messages": [*TWO["messages"][:2], result("b"), result("a"), ASSISTANT]}, "order of their calls"),
    ("vertex", {"messages": [USER, calling(call("a", '{"a": NaN}'))]}, "number that is none"),
    ("vertex", {"messages": [USER, SYSTEM, ASSISTANT]}, "one system text"),
    ("vertex", {"messages": [USER, ASSISTANT], "parallel_tool_calls": False}, "one at a time"),
    ("vertex", {"messages": [USER, ASSISTANT], "functions": [{"name": "f"}]}, "old functions"),
    ("trl", {"messages": [USER, ASSISTANT | {"weight": 0}, USER, ASSISTANT]}, "does not heed weights"),
    ("together", {"messages": [USER, USER, ASSISTANT]}, "in a row"),
    ("mistral", {"messages": [{"role": "developer", "content": "x"}, USER, ASSISTANT]}, "role 'developer'"),
    ("trl-prompt-completion", {"messages": [USER, ASSISTANT | {"weight": 0}]}, "not to be learnt"),
    ("openai", {"messages": [USER]}, "no sound chat row"),
]


@pytest.mark.parametrize(("format", "row", "reason"), SKIPPED)
def test_what_cannot_be_carried_is_skipped_with_the_reason(format: str, row: dict[str, Any], reason: str) -> None:
    written, skipped = exported(format, PLAIN, row)
    assert len(written) == 1
    assert [line for line, _ in skipped] == [2] and reason in skipped[0][1]


def test_lines_are_those_of_the_file_and_metadata_is_counted() -> None:
    out = io.BytesIO()
    numbered = [(4, {"messages": [USER]}), (9, PLAIN | {"metadata": {"id": "1"}})]
    done = export(numbered, out, "vertex")
    assert done.rows == 1 and done.skipped[0][0] == 4 and done.left_out == {"metadata": 1}
    assert b"metadata" not in out.getvalue()


def test_alpaca_keeps_the_history_and_shares_its_array() -> None:
    written, _ = exported("alpaca", MULTI, PLAIN | {"metadata": {"id": "1"}})
    assert written[0]["history"] == [["Hi", "Hello"]] and written[0]["output"] == "Bye"
    assert written[1] == {
        "instruction": "Hi",
        "input": "",
        "output": "Hello",
        "system": "Be kind",
        "metadata": {"id": "1"},
    }
    assert exported("alpaca") == ([], [])


def test_mistral_gets_ids_of_nine_characters_that_still_answer_each_other() -> None:
    written, _ = exported("mistral", TWO)
    _, calls, first, second, _ = written[0]["messages"]
    ids = [c["id"] for c in calls["tool_calls"]]
    assert [len(i) for i in ids] == [9, 9] and all(i.isalnum() and i.isascii() for i in ids)
    assert [first["tool_call_id"], second["tool_call_id"]] == ids and len(set(ids)) == 2
    assert exported("mistral", TWO) == exported("mistral", TWO)


def test_an_unknown_format_says_what_is_known() -> None:
    with pytest.raises(BadInput, match="no export to 'xml'"):
        export([], io.BytesIO(), "xml")


def test_a_written_file_passes_the_check(tmp_path: Path) -> None:
    many = [{"messages": [USER | {"content": f"q{i}"}, ASSISTANT | {"content": f"a{i}"}]} for i in range(12)]
    for format in WAYS:
        path = tmp_path / f"{format}.json"
        with path.open("wb") as out:
            assert export(many, out, format).rows == 12
        report = check(path)
        assert (report.accepted, report.errors) == (12, 0), format
        known = load_format(report.format)
        assert [known.chat(row) for _, row in rows(path)] == many


TEXT = st.text(min_size=1, max_size=8).filter(str.strip) | st.sampled_from(["hi", '{"a": 1}', "[1]", '{"output": "x"}'])
ROLES = ("user", "assistant")
PARTS = st.lists(TEXT.map(lambda text: {"type": "text", "text": text}), min_size=1, max_size=2)
CONTENT = TEXT | TEXT | PARTS
ARGUMENTS = st.dictionaries(TEXT, st.integers(-9, 9) | TEXT | st.floats(), max_size=2).map(json.dumps)


@st.composite
def turn(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A question and its answer, maybe with calls between them."""
    asked = {"role": draw(st.sampled_from(["user"] * 6 + ["developer"])), "content": draw(CONTENT)}
    turns = [asked]
    if draw(st.integers(0, 2)) == 0:
        ids = draw(st.lists(TEXT, min_size=1, max_size=2, unique=True))
        turns.append(calling(*(call(tool_id, draw(ARGUMENTS)) for tool_id in ids)))
        turns += [result(tool_id, draw(TEXT | st.just(""))) for tool_id in draw(st.permutations(ids))]
    weight = draw(st.sampled_from([{}, {}, {"weight": 1}, {"weight": 0}]))
    return [*turns, {"role": "assistant", "content": draw(CONTENT)} | weight]


@st.composite
def chat(draw: st.DrawFn) -> dict[str, Any]:
    turns = draw(st.lists(turn(), min_size=1, max_size=3))
    messages = [SYSTEM] * draw(st.integers(0, 1)) + [message for some in turns for message in some]
    optional = {"tools": st.just(TOOLS) | st.just([]), "metadata": st.dictionaries(TEXT, TEXT, max_size=2)}
    return {"messages": messages} | draw(st.fixed_dictionaries({}, optional=optional))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row=chat(), format=st.sampled_from(sorted(WAYS)))
def test_nothing_is_lost_or_dropped_in_silence(row: dict[str, Any], format: str) -> None:
    written, skipped = exported(format, row)
    if skipped:
        assert skipped[0][1]
        return
    again = back(format, written[0])
    found = list(load_format("openai-chat").inspect(again))
    assert not [p for p in found if p.severity is Severity.ERROR]
    assert [m["role"] for m in again["messages"]] == [m["role"] for m in row["messages"]]
    assert list(map(text_of, again["messages"])) == list(map(text_of, row["messages"]))
    learnt = [m.get("weight", 1) for m in row["messages"] if m["role"] == "assistant"]
    assert [m.get("weight", 1) for m in again["messages"] if m["role"] == "assistant"] == learnt
    assert again.get("tools", []) == row.get("tools", [])
    if WAYS[format].metadata:
        assert again.get("metadata", {}) == row.get("metadata", {})


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3), format=st.sampled_from(sorted(WAYS)))
def test_plain_talk_is_carried_by_every_format(pairs: list[tuple[str, str]], format: str) -> None:
    last = {"role": "user", "content": pairs[-1][0]}, {"role": "assistant", "content": pairs[-1][1]}
    before = [{"role": role, "content": text} for pair in pairs[:-1] for role, text in zip(ROLES, pair, strict=True)]
    row = {"messages": [*(before if format != "trl-prompt-completion" else ()), *last]}
    written, skipped = exported(format, row)
    assert not skipped and back(format, written[0]) == row


def test_a_path_of_lines_gets_lines_and_its_check_is_good(tmp_path: Path) -> None:
    builder = DatasetBuilder()
    for number in range(12):
        builder.add_example(f"question {number}", f"answer {number}")
    for name, verdict in (("rows.jsonl", "good"), ("rows.json", "warnings")):
        builder.export(tmp_path / name, "alpaca")
        assert check(tmp_path / name).verdict == verdict
