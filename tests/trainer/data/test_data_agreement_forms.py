"""What the check says of other containers and formats, `datasets` confirms: the same number of rows, before the fix or
after it; and where `datasets` refuses a file as a whole, the report says a word about the whole file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.data.defects import good
from trainer.data.check import check
from trainer.data.fix import fix
from trainer.types import Severity

N = 14
READERS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
ROWS: dict[str, Callable[[int], dict[str, Any]]] = {
    "openai-chat": lambda n: json.loads(good(1, n)[0]),
    "alpaca": lambda n: {"instruction": f"Do {n}", "input": "", "output": f"done {n}", "history": []},
    "alpaca with history": lambda n: {
        "instruction": f"Do {n}",
        "input": "this",
        "output": f"done {n}",
        "history": [["before", "then"]],
    },
    "sharegpt": lambda n: {"conversations": [{"from": "human", "value": f"q {n}"}, {"from": "gpt", "value": f"a {n}"}]},
    "trl-prompt-completion": lambda n: {"prompt": f"q {n}", "completion": f"a {n}"},
    "trl conversational": lambda n: {
        "prompt": [{"role": "user", "content": f"q {n}"}],
        "completion": [{"role": "assistant", "content": f"a {n}"}],
    },
    "trl-text": lambda n: {"text": f"some text {n}"},
    "trl-preference": lambda n: {"prompt": f"q {n}", "chosen": f"a {n}", "rejected": f"b {n}"},
    "trl-unpaired": lambda n: {"prompt": f"q {n}", "completion": f"a {n}", "label": n % 2 == 0},
    "vertex": lambda n: {
        "contents": [{"role": "user", "parts": [{"text": f"q {n}"}]}, {"role": "model", "parts": [{"text": f"a {n}"}]}]
    },
}
FLAT = ("trl-prompt-completion", "trl-text", "trl-preference")


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(rows: list[dict[str, Any]], delimiter: str) -> bytes:
    held = io.StringIO()
    writer = csv.DictWriter(held, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue().encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    held = io.BytesIO()
    write_table(pa.Table.from_pylist(rows), held)
    return held.getvalue()


CONTAINERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    ".jsonl": lines,
    ".jsonl.gz": lambda rows: gzip.compress(lines(rows)),
    ".json": lambda rows: json.dumps(rows).encode(),
    ".parquet": parquet,
    ".csv": lambda rows: table(rows, ","),
    ".tsv": lambda rows: table(rows, "\t"),
}


def loaded(path: Path, cache: Path) -> Any:
    import datasets

    datasets.disable_progress_bars()
    more: dict[str, Any] = {"sep": "\t"} if path.suffix == ".tsv" else {}
    reader = READERS.get(path.suffix, "json")
    return datasets.load_dataset(reader, data_files=str(path), cache_dir=str(cache), **more)["train"]


FORMS = [(name, end) for name in ROWS for end in CONTAINERS if name in FLAT or end not in (".csv", ".tsv")]


@pytest.mark.parametrize(("name", "end"), FORMS)  # the cells of a table hold texts only
def test_clean_rows_load_from_every_container_and_after_the_fix(name: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows{end}"
    path.write_bytes(CONTAINERS[end](list(map(ROWS[name], range(N)))))
    report = check(path, structure_only=True)
    assert report.accepted == report.rows == len(loaded(path, tmp_path / "a")) == N

    made = fix(path, tmp_path / "fixed", only=["convert"] if report.kind == "chat" else None)
    assert made.rows == len(loaded(made.file, tmp_path / "b")) == N
    if report.kind == "chat":
        assert set(loaded(made.file, tmp_path / "b").column_names) >= {"messages"}


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "a bad row": lambda raw: raw + b'{"prompt": 1, "messages": 2}\n',
    "half a row": lambda raw: raw[:-9],
    "a trailing comma": lambda raw: raw.replace(b"}\n", b",}\n", 1),
    "NaN": lambda raw: raw.replace(b'{"', b'{"more": NaN, "', 1),
    "a bare number": lambda raw: raw + b"17\n",
    "UTF-16": lambda raw: raw.decode().encode("utf-16"),
    "Latin-1": lambda raw: raw.replace(b" 1", b" \xe9", 1),
    "no line ends": lambda raw: raw.replace(b"\n", b" "),
    "blank lines": lambda raw: raw.replace(b"\n", b"\n\n"),
    "CR": lambda raw: raw.replace(b"\n", b"\r"),
    "a mark of byte order": lambda raw: b"\xef\xbb\xbf" + raw,
}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("name", ["openai-chat", "alpaca", "sharegpt", "trl-prompt-completion", "trl-preference"])
def test_what_datasets_refuses_is_told_and_what_the_fix_makes_loads(name: str, how: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(SPOILT[how](lines(list(map(ROWS[name], range(N))))))
    report = check(path, structure_only=True)
    told = [f for f in report.findings if f.severity is not Severity.INFO]
    try:
        same = len(loaded(path, tmp_path / "a")) == report.accepted
    except Exception:
        same = False
    assert same or told, "datasets does not load what the check accepts in silence"

    made = fix(path, tmp_path / "fixed")
    assert made.rows == len(loaded(made.file, tmp_path / "b")) >= N - 1
