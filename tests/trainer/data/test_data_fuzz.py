"""Whatever bytes come: no crash, both paths agree, and the loader gets exactly what was accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainer.data.rows import PADDING, lines
from trainer.data.canonical import canonical
from trainer.data.check import check, rows
from trainer.data.formats import FORMATS, load_format
from trainer.data.parse import parse
from trainer.types import Severity, Verdict

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


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
    if report.source == "JSONL":  # elsewhere a line may hold several rows
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
