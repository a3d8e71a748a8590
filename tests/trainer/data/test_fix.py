"""Fixes through their front door: what is mended, what goes to quarantine, and that nothing is lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from trainer.data.check import check
from trainer.data.findings import CODES
from trainer.data.fix import FIXES, FixResult, fix
from trainer.data.fix.undo import originals
from trainer.errors import BadInput
from trainer.settings import Settings
from trainer.types import Severity


def say(role: str, content: object, **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


def row(n: object, *messages: dict[str, object], **more: object) -> dict[str, Any]:
    return {"messages": list(messages) or [say("user", f"q {n} é"), say("assistant", f"a {n}")], **more}


def text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


ROWS = [row(n) for n in range(14)]
GOOD = [text(r) for r in ROWS]
X = row("x")


def ask(question: str, answer: str, **more: object) -> dict[str, Any]:
    return row(0, say("user", question), say("assistant", answer, **more))


CALL = {"name": "f", "arguments": "{}"}
OLD = row(
    0,
    say("user", "w"),
    say("assistant", None, function_call=CALL),
    say("function", "5", name="f"),
    say("assistant", "5"),
)
SYSTEM = row(0, say("system", " "), say("user", "s"), say("assistant", "a"))
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"default": float("nan")}}}]

CALLS = [{"id": "1", "type": "function", "function": CALL}]
UNANSWERED = row(0, say("user", "q"), say("assistant", None, tool_calls=CALLS), say("user", "r"), say("assistant", "a"))

# the fix, the line, and the rows that it becomes
MENDED: list[tuple[str, bytes, list[Any]]] = [
    ("encoding", text(X).decode().encode("cp1252"), [X]),
    ("bom", b"\xef\xbb\xbf" + text(X), [X]),
    ("nul", text(X).replace(b"q x", b"q\0 x"), [X]),
    ("nul", text(X).replace(b"q x", b"q\\u0000 x"), [X]),
    ("lone-surrogates", text(X).replace("é".encode(), b"\\ud800"), [ask("q x \ufffd", "a x")]),
    ("lone-surrogates", text(X).replace("é".encode(), b"\xed\xa0\x80"), [ask("q x \ufffd", "a x")]),
    ("control-characters", text(X).replace(b"q x", b"q\tx"), [ask("q\tx é", "a x")]),
    ("comments", b"/* 'a' */ " + text(X) + b" // http://x", [X]),
    ("trailing-commas", text(X)[:-1] + b",}", [X]),
    ("trailing-commas", text(X) + b",", [X]),
    ("python-literals", repr(X | {"parallel_tool_calls": True}).encode(), [X | {"parallel_tool_calls": True}]),
    ("array-to-lines", text(X) + text(row("y")), [X, row("y")]),
    ("array-to-lines", text([X, row("y")]), [X, row("y")]),
    ("array-to-lines", text(X) + "\u2028".encode() + text(row("y")), [X, row("y")]),
    ("double-encoded", text(json.dumps(X)), [X]),
    ("nan-to-null", text(X | {"tools": TOOLS}), [X | {"tools": json.loads(json.dumps(TOOLS).replace("NaN", "null"))}]),
    ("stringified-messages", text({"messages": json.dumps(X["messages"])}), [X]),
    ("stringified-messages", text({"messages": list(map(json.dumps, X["messages"]))}), [X]),
    ("stringified-messages", text({"messages": [say("user", json.dumps(X["messages"]))]}), [X]),
    ("weights", text(ask("w", "a", weight=True)), [ask("w", "a", weight=1)]),
    ("weights", text(ask("w", "a", weight=1.0)), [ask("w", "a", weight=1)]),
    ("weights", text(row(0, say("user", "w", weight=1), say("assistant", "a"))), [ask("w", "a")]),
    ("empty-system", text(SYSTEM), [row(0, say("user", "s"), say("assistant", "a"))]),
    ("whitespace", text(ask(" q ", "a\n")), [ask("q", "a")]),
    ("convert", text({"instruction": "h", "input": "", "output": "g"}), [ask("h", "g")]),
    ("duplicates", GOOD[3], []),
    ("whitespace", b"   ", []),
]  # fmt: skip
# what no fix may guess
HOPELESS: list[tuple[str, bytes]] = [
    ("invalid_json", b"garbage"),
    ("invalid_json", text(X)[:-4]),
    ("duplicate_key", text(X)[:-1] + b', "messages": []}'),
    ("too_deep", b'{"messages": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    ("huge_integer", b'{"messages": ' + b"9" * 5000 + b"}"),
    ("nan_or_infinity", b'{"messages": [{"role": "user", "content": NaN}, {"role": "assistant", "content": "a"}]}'),
    ("not_utf8", text(X).replace("é".encode(), b"\x81\xff")),
    ("unknown_key", text(X | {"foo": 1})),
    ("call_without_result", text(UNANSWERED)),
    ("empty_content", text(row(0, say("user", " "), say("assistant", "a")))),
    ("no_assistant", text(row(0, say("user", "q")))),
    ("invalid_json", b"{'a': __import__('os')}"),
    ("invalid_json", b"{'a': 1, 'a': 2}"),
    ("invalid_json", b"{'a': " + b"-" * 5000 + b"1}"),
    ("other_format", text({"prompt": "p", "chosen": "c", "rejected": "r"})),
]  # fmt: skip


def write(folder: Path, lines: list[bytes], name: str = "x.jsonl", end: bytes = b"\n") -> Path:
    path = folder / name
    path.write_bytes(end.join(lines) + end)
    return path


def values(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def sound(made: FixResult, folder: Path, **more: Any) -> FixResult:
    """The sums agree, the check accepts every row, and a second fix finds nothing to do."""
    assert made.rows + made.quarantined + made.duplicates + made.blank == made.records + made.split
    assert len(values(made.file)) == made.rows
    report = check(made.file)
    assert (report.accepted, report.rows) == (made.rows, made.rows)
    assert {f.code for f in report.findings if f.severity is Severity.ERROR} <= {"too_few_rows", "empty_file"}
    again = fix(made.file, folder / "again", **more)
    assert again.file.read_bytes() == made.file.read_bytes()
    assert (again.applied, again.quarantine) == ({}, None)
    return made


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case[0])
def test_each_fix_mends_its_own_defect(tmp_path: Path, case: tuple[str, bytes, list[Any]]) -> None:
    name, bad, wanted = case
    lines = [*GOOD, bad, text(row("end"))]
    made = sound(fix(write(tmp_path, lines), tmp_path / "out"), tmp_path)
    assert values(made.file) == [*ROWS, *wanted, row("end")]
    assert (made.applied, made.quarantine) == ({name: 1}, None)
    assert [change.line for change in made.sample] == [15]
    assert list(originals(made.file, made.changes, None)) == lines


def test_old_functions_become_tools(tmp_path: Path) -> None:
    lines = [*GOOD, text(OLD | {"functions": [{"name": "f", "parameters": {}}]})]
    made = sound(fix(write(tmp_path, lines), tmp_path / "out"), tmp_path)
    new = values(made.file)[-1]
    assert made.applied == {"legacy-functions": 1}
    assert new["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    assert new["messages"][2] == {"role": "tool", "tool_call_id": "call_1", "content": "5"}


@pytest.mark.parametrize("case", HOPELESS, ids=lambda case: case[0])
def test_what_cannot_be_mended_goes_to_quarantine_with_its_reason(tmp_path: Path, case: tuple[str, bytes]) -> None:
    code, bad = case
    lines = [*GOOD, bad, text(row("end"))]
    made = sound(fix(write(tmp_path, lines), tmp_path / "out"), tmp_path)
    assert made.quarantine is not None
    [away] = values(made.quarantine)
    assert (away["line"], away["reasons"][0]["code"]) == (15, code)
    assert list(originals(made.file, made.changes, made.quarantine)) == lines


def test_a_cut_off_last_line_goes_to_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join([*GOOD, b'{"messages": [{"role": "us']))
    made = sound(fix(path, tmp_path / "out"), tmp_path)
    assert (made.applied, made.quarantined) == ({"truncated-last-line": 1}, 1)


def test_clean_rows_pass_byte_for_byte(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    made = sound(fix(path, tmp_path / "out"), tmp_path)
    assert (made.file.read_bytes(), made.applied, made.quarantine) == (path.read_bytes(), {}, None)


WHOLE: list[tuple[str, bytes, dict[str, int]]] = [
    ("crlf", b"\r\n".join(GOOD) + b"\r\n", {"line-ends": 14}),
    ("cr", b"\r".join(GOOD), {"line-ends": 14}),
    ("u2028", "\u2028".encode().join(GOOD), {"line-ends": 14}),
    ("utf-16", b"\n".join(GOOD).decode().encode("utf-16"), {"encoding": 14}),
    ("utf-16 bare", b"\n".join(GOOD).decode().encode("utf-16-be"), {"encoding": 14}),
    ("array", text(ROWS), {"array-to-lines": 14}),
    ("pretty", json.dumps(ROWS, indent=2).encode(), {"array-to-lines": 14}),
    ("objects", b"".join(GOOD), {"array-to-lines": 14}),
    ("commas", b"[" + b",".join(GOOD) + b",]", {"array-to-lines": 14, "trailing-commas": 14}),
    ("comments", b"// c\n[" + b",\n# d\n".join(GOOD) + b"]", {"array-to-lines": 14, "comments": 14}),
    ("python list", repr(ROWS).encode(), {"array-to-lines": 14, "python-literals": 14}),
]


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case[0])
def test_whole_files_are_mended(tmp_path: Path, case: tuple[str, bytes, dict[str, int]]) -> None:
    _, data, applied = case
    path = tmp_path / "x.json"
    path.write_bytes(data)
    made = sound(fix(path, tmp_path / "out"), tmp_path)
    assert (values(made.file), made.applied) == (ROWS, applied)


SHARE = [{"conversations": [{"from": "human", "value": f"h {n}"}, {"from": "gpt", "value": "g"}]} for n in range(12)]


def test_one_format_stays_unless_conversion_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, [text(r) for r in SHARE])
    assert sound(fix(path, tmp_path / "a"), tmp_path).format == "sharegpt"
    made = fix(path, tmp_path / "b", only=["convert"])
    assert (made.format, made.applied) == ("openai-chat", {"convert": 12})
    assert values(made.file)[0] == row(0, say("user", "h 0"), say("assistant", "g"))


def test_a_format_that_turns_up_late_makes_all_rows_chat(tmp_path: Path) -> None:
    lines = [text(SHARE[0] | {"system": str(n)}) for n in range(900)] + GOOD
    made = sound(fix(write(tmp_path, lines), tmp_path / "out"), tmp_path)
    assert (made.rows, made.applied, made.quarantined) == (914, {"convert": 900}, 0)


def test_columns_become_chat_by_their_mapping(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"Frage;Antwort\n" + "".join(f"Wie {n} ä?;so\n" for n in range(12)).encode("cp1252"))
    made = sound(fix(path, tmp_path / "o", mapping={"prompt": "Frage", "completion": "Antwort"}), tmp_path)
    assert values(made.file)[0] == row(0, say("user", "Wie 0 ä?"), say("assistant", "so"))
    assert made.applied == {"convert": 12, "encoding": 12}


def test_unknown_keys_go_only_when_asked_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, [*GOOD, text(X | {"foo": 1})])
    made = fix(path, tmp_path / "out", only=["unknown-keys"])
    assert (values(made.file)[-1], made.applied) == (X, {"unknown-keys": 1})


def test_only_what_is_asked_for_is_done(tmp_path: Path) -> None:
    path = write(tmp_path, [*GOOD, GOOD[0], text(row(0, say("user", " q "), say("assistant", "a")))])
    made = fix(path, tmp_path / "out", only=["duplicates"])
    assert (made.applied, values(made.file)[-1]["messages"][0]["content"]) == ({"duplicates": 1}, " q ")


def test_an_unknown_fix_and_an_unreadable_file_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, [b"<html><body>Sign in</body>"])
    with pytest.raises(BadInput, match="no fix 'magic'"):
        fix(path, tmp_path / "out", only=["magic"])
    with pytest.raises(BadInput, match="web page"):
        fix(path, tmp_path / "out")


def test_a_line_that_is_too_long_goes_to_quarantine(tmp_path: Path) -> None:
    path = write(tmp_path, [*GOOD, b'{"a": "' + b"x" * 9000 + b'"}'])
    made = fix(path, tmp_path / "out", settings=Settings(max_line_bytes=4096))
    assert made.quarantine is not None
    assert values(made.quarantine)[0]["reasons"][0]["code"] == "line_too_long"


def test_every_code_names_a_fix_that_exists_and_what_is_right() -> None:
    assert {fix for about in CODES.values() for fix in about.fixes} <= FIXES.keys()
    assert [code for code, about in CODES.items() if about.severity is Severity.ERROR and not about.expected] == []


POOL = st.sampled_from([*GOOD, *(bad for _, bad, _ in MENDED), *(bad for _, bad in HOPELESS)])


@given(st.lists(POOL | st.binary(max_size=40).filter(lambda b: b"\n" not in b), min_size=1, max_size=30))
@runs(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_lost_whatever_stands_in_the_file(tmp_path_factory: Any, lines: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("f")
    made = sound(fix(write(folder, [GOOD[0], *lines, GOOD[1]]), folder / "out"), folder)
    plain = [line.removesuffix(b"\r") for line in [GOOD[0], *lines, GOOD[1]]]
    assert list(originals(made.file, made.changes, made.quarantine)) == plain
