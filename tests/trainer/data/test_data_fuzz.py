"""Whatever bytes come: no crash, both paths agree, and the loader gets exactly what was accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.data.check import canonical, check, rows
from trainer.data.formats import FORMATS, load_format
from trainer.data.parse import parse
from trainer.types import Severity, Verdict

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(max_size=12) | st.sampled_from(["hi", 'a "role": b', "back\\slash", '\\"', "\u2028", "\\u0000"])
LOOSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ROLE = st.sampled_from(["system", "user", "assistant", "tool", "developer", "function", "human"])
MESSAGE = st.fixed_dictionaries(
    {"role": ROLE | LOOSE, "content": TEXT | LOOSE},
    optional={
        "weight": st.sampled_from([0, 1, True, 1.0, 2]) | LOOSE,
        "name": LOOSE,
        "tool_calls": LOOSE,
        "x": LOOSE,
    },
)
PLAIN = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT})
ROW = st.fixed_dictionaries(
    {"messages": st.lists(PLAIN, max_size=3) | st.lists(MESSAGE | LOOSE, max_size=3) | LOOSE},
    optional={"tools": LOOSE, "metadata": LOOSE, "functions": LOOSE, "y": LOOSE},
)


CALL = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b"]),
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": st.sampled_from(["f", "g"]), "arguments": st.sampled_from(["{}", '{"a": 1}', "[]", "{"])}
        ),
    }
)
TALK = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "assistant", "tool"])},
    optional={
        "content": TEXT | st.none(),
        "tool_calls": st.lists(CALL, max_size=2),
        "tool_call_id": st.sampled_from(["a", "b"]),
        "weight": st.sampled_from([0, 1]),
        "name": TEXT,
    },
)
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
TALKS = st.fixed_dictionaries(
    {"messages": st.lists(TALK, max_size=5)},
    optional={
        "tools": st.sampled_from([[TOOL], [], [{"type": "function", "function": {"name": "g"}}, TOOL], [{}]]),
        "parallel_tool_calls": st.booleans(),
        "metadata": st.dictionaries(TEXT, TEXT, max_size=2),
    },
)
SIMPLE = st.fixed_dictionaries(
    {"messages": st.lists(PLAIN, min_size=1, max_size=3).map(lambda m: [*m, {"role": "assistant", "content": "x"}])}
)
PADDING = json.dumps(
    {"messages": [{"role": "user", "content": "padding " * 9}, {"role": "assistant", "content": "yes"}]}
).encode()


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A row as bytes, sometimes with a piece repeated, removed or replaced."""
    text = json.dumps(draw(SIMPLE | TALKS | ROW | LOOSE), ensure_ascii=draw(st.booleans()))
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        a, b = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        raw[a:b] = draw(st.sampled_from([bytes(raw[a:b]) * 2, b"", b'"', b"\\", b",", b'"role": "user", ', b"\xff"]))
    return bytes(raw).replace(b"\n", b" ")


def agree(name: str, rows: list[Any], raws: list[bytes]) -> None:
    format = load_format(name)
    assert len(rows) == len(raws)
    for fast, raw in zip(rows, raws, strict=True):
        value, problems = parse(raw, last=False)
        assert not problems and not list(format.inspect(value))
        assert format.plain(fast) == value
        assert canonical(fast) == canonical(value)
        assert format.view(fast) == format.view(value)


@QUICK
@given(raw=lines())
def test_what_the_fast_path_passes_the_careful_path_passes(raw: bytes) -> None:
    for name in FORMATS:
        rows = load_format(name).block(raw)
        if rows is not None:
            agree(name, rows, [raw])


@QUICK
@given(
    some=st.lists(lines() | st.sampled_from([b"", b" ", b"{", b"}"]), min_size=1, max_size=3),
    end=st.sampled_from([b"\n", b"\r\n", b"\r", b" \n", b" ", b"\n\n"]),
    many=st.booleans(),
)
def test_a_block_passes_only_where_each_line_does(some: list[bytes], end: bytes, many: bool) -> None:
    """Small blocks are proven by other means than large ones: both are tried."""
    raws = some + [PADDING] * (60 if many else 1)
    for name in FORMATS:
        rows = load_format(name).block(end.join(raws) + end)
        if rows is not None:
            agree(name, rows, end.join(raws).replace(b"\r\n", b"\n").split(b"\n"))


@QUICK
@given(many=st.lists(lines() | st.binary(max_size=40), max_size=12), end=st.sampled_from([b"\n", b"\r\n", b""]))
def test_any_bytes_get_a_report_that_the_loader_keeps_to(tmp_path: Path, many: list[bytes], end: bytes) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(end.join(many))
    report = check(path)
    loaded = list(rows(path)) if report.accepted else []
    assert len(loaded) == report.accepted
    broken = {f.line for f in report.findings if f.severity is Severity.ERROR and f.line}
    assert not broken & {line for line, _ in loaded}
    for _, row in loaded:
        json.dumps(row, allow_nan=False).encode()


def chat(n: int) -> str:
    return json.dumps({"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}"}]})


@QUICK
@given(order=st.permutations(range(15)), extra=st.lists(st.integers(0, 14), max_size=5))
def test_shuffling_or_repeating_rows_never_improves_the_verdict(
    tmp_path: Path, order: list[int], extra: list[int]
) -> None:
    some = [chat(i) for i in range(11)] + ["{", "[]", chat(3), "{}"]
    rank: dict[Any, int] = {Verdict.GOOD: 2, Verdict.WARNINGS: 1, Verdict.BROKEN: 0}
    path = tmp_path / "f.jsonl"
    path.write_text("\n".join(some))
    before = check(path)
    path.write_text("\n".join([some[i] for i in order] + [some[i] for i in extra]))
    after = check(path)
    assert rank[after.verdict] <= rank[before.verdict]
    assert len(after.findings) >= len(before.findings)
