"""Every container a dataset comes in, and everything that must be refused: through the front door `open_source`."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.findings import CODES
from trainer.data.sources import Limits, open_source
from trainer.data.sources.refusal import Refused

LIMITS = Limits(1 << 30, 1 << 20, 10**6)
ROWS = [
    {"messages": [{"role": "user", "content": f"q {i} é"}, {"role": "assistant", "content": "a"}]} for i in range(12)
]
JSONS = [json.dumps(row, ensure_ascii=False) for row in ROWS]
JSONL = "\n".join(JSONS).encode()


class Read:
    """What came out of a file."""

    def __init__(self, path: Path, limits: Limits = LIMITS, *, mend: bool = False) -> None:
        with open_source(path, limits, mend=mend) as source:
            if source.file is not None and source.kind == "jsonl":
                parts = list(iter(lambda: source.file.read(1000), b""))  # type: ignore[union-attr]
                self.lines = [(n, raw) for n, raw in enumerate(b"".join(parts).splitlines(), 1)]
                self.problems: list[str] = []
            else:
                found = list(source.lines())
                self.lines = [(line.number, line.raw) for line in found]
                self.problems = [problem.code for line in found for problem in line.problems]
            self.kind, self.title, self.packed = source.kind, source.title, source.packed
            self.notes = [problem.code for problem in source.notes]
            self.faults = [problem.code for problem in source.faults]
            self.said = " ".join(problem.message for problem in source.faults)
            self.position = source.position()

    @property
    def values(self) -> list[Any]:
        return [json.loads(raw) for _, raw in self.lines]

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.lines]


def write(folder: Path, data: bytes | str, name: str = "x.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refused(folder: Path, data: bytes | str, name: str = "x.jsonl", limits: Limits = LIMITS) -> str:
    with pytest.raises(Refused) as caught:
        Read(write(folder, data, name), limits)
    assert caught.value.problem.code in CODES
    return caught.value.problem.code


def zipped(*files: tuple[str, bytes | str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return made.getvalue()


PRETTY = json.dumps(ROWS, indent=2, ensure_ascii=False)
READABLE: list[tuple[str, str | bytes, str, str, list[str]]] = [
    ("jsonl", JSONL, "x.jsonl", "JSONL", []),
    ("bom array", "\ufeff" + PRETTY, "x.json", "JSON array", ["json_array"]),
    ("array", "[" + ",".join(JSONS) + "]", "x.json", "JSON array", ["json_array"]),
    ("array a line", "[\n" + ",\n".join(JSONS) + "\n]", "x.json", "JSON array", ["json_array"]),
    ("concatenated", "".join(JSONS), "x.json", "JSON", ["json_stream"]),
    ("pretty objects", "\n".join(json.dumps(r, indent=1) for r in ROWS), "x.json", "JSON", ["json_stream"]),
    ("wrapped", json.dumps({"version": 1, "data": ROWS}, indent=1), "x.json", "JSON", ["json_wrapped"]),
    ("cr", "\r".join(JSONS), "x.jsonl", "JSONL", ["cr_line_ends"]),
    ("gzip", gzip.compress(JSONL), "x.jsonl.gz", "JSONL, gzip", ["packed"]),
    ("gzip members", gzip.compress(JSONL[:99]) + gzip.compress(JSONL[99:]), "x.gz", "JSONL, gzip", ["packed"]),
    ("zstd", zstandard.compress(JSONL), "x.zst", "JSONL, zstd", ["packed"]),
    ("zip", zipped(("a/d.jsonl", JSONL)), "x.zip", "JSONL, zip", ["packed"]),
    (
        "zip beside",
        zipped(("README.md", "x"), ("d.json", PRETTY)),
        "x.zip",
        "JSON array, zip",
        ["packed", "ignored_members", "json_array"],
    ),
]


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case[0])
def test_every_container_gives_the_same_rows(
    tmp_path: Path, case: tuple[str, str | bytes, str, str, list[str]]
) -> None:
    _, data, name, title, notes = case
    read = Read(write(tmp_path, data, name))
    assert (read.values, read.title, read.notes, read.faults) == (ROWS, title, notes, [])


def test_line_numbers_of_an_array_are_those_of_the_text(tmp_path: Path) -> None:
    read = Read(write(tmp_path, PRETTY))
    assert read.numbers == [n for n, line in enumerate(PRETTY.split("\n"), 1) if line == "  {"]
    assert all(b"\n" not in raw for _, raw in read.lines)


BROKEN = ['{"messages": [}', '{"messages": [{"role": "us', '{"messages": {"x": 1}', "oops", '{"messages": "q}']


@pytest.mark.parametrize("bad", BROKEN)
@pytest.mark.parametrize("between", [",", ",\n", ",\n  "])
def test_a_broken_element_hides_no_other(tmp_path: Path, bad: str, between: str) -> None:
    read = Read(write(tmp_path, "[" + between.join([*JSONS[:4], bad, *JSONS[4:]]) + "]"))
    raws = [raw.decode() for _, raw in read.lines]
    assert [raw for raw in raws if raw in JSONS] == JSONS
    assert len(raws) == 13


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("[" + ",".join(JSONS) + ",]", "array_commas"),
        ("[" + " ".join(JSONS) + "]", "array_commas"),
        ("[\n// note\n" + ",\n".join(JSONS) + "]", "json_comment"),
        ("[" + ",".join(JSONS), "json_unfinished"),
        (json.dumps({"data": ROWS, "more": ROWS}), "json_several_lists"),
    ],
)
def test_what_is_wrong_between_elements_is_told_and_they_are_read(tmp_path: Path, data: str, code: str) -> None:
    read = Read(write(tmp_path, data))
    assert (read.values, read.faults) == (ROWS, [code])


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text()), min_size=1), min_size=1),
    st.data(),
)
def test_any_array_in_any_layout_comes_back_whole(tmp_path_factory: Any, rows: list[Any], data: st.DataObject) -> None:
    indent = data.draw(st.sampled_from([None, 0, 1, "\t"]))
    ascii_only = data.draw(st.booleans())
    path = write(tmp_path_factory.mktemp("a"), json.dumps(rows, indent=indent, ensure_ascii=ascii_only))
    read = Read(path)
    assert (read.kind, read.values, read.faults) == ("json", rows, [])


def test_csv_keeps_texts_and_lines(tmp_path: Path) -> None:
    read = Read(write(tmp_path, 'prompt,completion\n007,"a\nb"\nx,"say ""hi"""\n', "x.csv"))
    assert read.values == [{"prompt": "007", "completion": "a\nb"}, {"prompt": "x", "completion": 'say "hi"'}]
    assert (read.numbers, read.title) == ([2, 4], "CSV")


@pytest.mark.parametrize(("mark", "kind"), [(";", "csv"), ("\t", "tsv"), ("|", "csv")])
def test_delimiters_are_told(tmp_path: Path, mark: str, kind: str) -> None:
    read = Read(write(tmp_path, f"prompt{mark}completion\na{mark}b, c\n", "x.txt"))
    assert (read.kind, read.values) == (kind, [{"prompt": "a", "completion": "b, c"}])


def test_a_broken_record_hides_no_other(tmp_path: Path) -> None:
    read = Read(write(tmp_path, 'a,b\n1,2\n"x,3\n4,5,6\n6,7\n8,"9\n1,2\n', "x.csv"))
    assert [raw for _, raw in read.lines if raw] == [b'{"a":"1","b":"2"}', b'{"a":"6","b":"7"}', b'{"a":"1","b":"2"}']
    assert (read.numbers, read.problems) == ([2, 3, 4, 5, 6, 7], ["csv_quoting", "csv_cells", "csv_quoting"])


@pytest.mark.parametrize(
    ("data", "code"), [("a,a\n1,2\n", "csv_header"), ("a,\n1,2\n", "csv_header"), ("1,2\n3,4\n", "csv_no_header")]
)
def test_a_table_needs_names(tmp_path: Path, data: str, code: str) -> None:
    assert refused(tmp_path, data, "x.csv") == code


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_parquet_gives_nested_rows_and_leaves_nulls_out(tmp_path: Path) -> None:
    rows = [*ROWS, {"messages": [{"role": "user", "content": "q", "name": "n"}, {"role": "assistant", "content": "a"}]}]
    read = Read(parquet(tmp_path / "x.parquet", rows))
    assert (read.values, read.title) == (rows, "Parquet")


def test_parquet_says_what_became_text_and_keeps_nan(tmp_path: Path) -> None:
    from datetime import date

    read = Read(parquet(tmp_path / "x.parquet", [{"day": date(2026, 1, 2), "raw": b"\xff", "x": float("nan")}]))
    assert read.notes == ["parquet_as_text"]
    assert read.lines[0][1] == b'{"day":"2026-01-02","raw":"/w==","x":NaN}'


def test_a_damaged_parquet_file_is_told(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "x.parquet", ROWS).read_bytes()
    assert refused(tmp_path, whole[:-6], "y.parquet") == "corrupt_file"
    torn = whole[:60] + bytes(64) + whole[124:]
    assert Read(write(tmp_path, torn, "z.parquet")).faults == ["corrupt_file"]


NOISE = b"\n".join(json.dumps({"t": os.urandom(150).hex()}).encode() for _ in range(2000))


@pytest.mark.parametrize(
    "pack", [gzip.compress, zstandard.ZstdCompressor(write_checksum=True).compress], ids=["gzip", "zstd"]
)
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_rows_before_an_archives_fault_are_kept_and_the_fault_is_told(tmp_path: Path, pack: Any, damage: str) -> None:
    data = pack(NOISE)
    half = len(data) // 2
    torn = data[:half] if damage == "cut" else data[:half] + bytes(32) + data[half + 32 :]
    read = Read(write(tmp_path, torn, "x.gz"))
    whole = [raw for _, raw in read.lines[:-1]]
    assert read.faults == ["corrupt_archive"]
    assert f"Line {len(whole):,} was the last whole one" in read.said
    assert len(whole) > 100
    if damage == "cut":
        assert whole == NOISE.split(b"\n")[: len(whole)]


def encrypted() -> bytes:
    data = bytearray(zipped(("a.jsonl", JSONL)))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    return bytes(data)


REFUSED: list[tuple[str, bytes, str]] = [
    ("two members", zipped(("a.jsonl", "{}"), ("b.jsonl", "{}")), "several_members"),
    ("path trick", zipped(("../a.jsonl", "{}")), "unsafe_archive"),
    ("absolute", zipped(("/etc/a.jsonl", "{}")), "unsafe_archive"),
    ("nested", zipped(("a.zip", "x")), "nested_archive"),
    ("gzip twice", gzip.compress(gzip.compress(JSONL)), "nested_archive"),
    ("no member", zipped(), "not_jsonl"),
    ("beside only", zipped(("README.md", "x")), "empty_archive"),
    ("encrypted", encrypted(), "encrypted_archive"),
    ("zip cut", zipped(("a.jsonl", NOISE))[:-60], "corrupt_archive"),
    ("office", zipped(("[Content_Types].xml", "x"), ("xl/a.xml", "x")), "not_jsonl"),
    ("many members", zipped(*((f"{i}.txt", "") for i in range(1200))), "unsafe_archive"),
    ("bzip2", b"BZh9abc", "not_jsonl"),
    ("xz", b"\xfd7zXZ\x00abc", "not_jsonl"),
    ("pdf", b"%PDF-1.7\n", "not_jsonl"),
    ("login page", b"<!DOCTYPE html><title>Sign in</title>", "not_jsonl"),
    ("lfs pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "not_jsonl"),
    ("binary", b"\x7fELF" + bytes(4000), "not_jsonl"),
    ("prose", b"Dear all,\nhere is the data as promised\n", "not_jsonl"),
    ("utf-16", JSONL.decode().encode("utf-16"), "utf16"),
    ("utf-16 without a mark", JSONL.decode().encode("utf-16-be"), "utf16"),
    ("u2028", "\u2028".join(JSONS).encode(), "u2028_line_ends"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[0])
def test_what_cannot_be_read_is_refused_with_words(tmp_path: Path, case: tuple[str, bytes, str]) -> None:
    assert refused(tmp_path, case[1]) == case[2]


def bomb(pack: str) -> bytes:
    made, piece = io.BytesIO(), b"a" * (1 << 20)
    if pack == "zip":
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.jsonl", "w") as member:
            member.write(b'{"a": "')
            for _ in range(100):
                member.write(piece)
    elif pack == "gzip":
        with gzip.GzipFile(fileobj=made, mode="wb") as file:
            file.write(b'{"a": "')
            for _ in range(100):
                file.write(piece)
    else:
        with zstandard.ZstdCompressor().stream_writer(made, closefd=False) as file:
            file.write(b'{"a": "')
            for _ in range(100):
                file.write(piece)
    return made.getvalue()


@pytest.mark.parametrize("pack", ["gzip", "zstd", "zip"])
def test_bombs_are_refused(tmp_path: Path, pack: str) -> None:
    data = bomb(pack)
    assert refused(tmp_path, data) == "archive_bomb"
    start = {"gzip": gzip.compress, "zstd": zstandard.compress}.get(pack)
    assert refused(
        tmp_path, start(JSONL * 99) if start else zipped(("a.jsonl", JSONL * 99)), "y", Limits(50_000, 9999, 9)
    ) == ("too_large")


def test_a_zip_that_lies_about_sizes_is_told(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.jsonl", JSONL)))
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = (100).to_bytes(4, "little")
    read = Read(write(tmp_path, bytes(data), "x.zip"))
    assert read.faults == ["corrupt_archive"]


LONG = b"x" * (3 << 20)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'["' + LONG + b'", {"a": "1"}]', "x.json"),
        (b'[{"b": "' + LONG + b'"}, {"a": "1"}]', "x.json"),
        (b'[{"b": [' + b'"xy",' * 700_000 + b']},\n{"a": "1"}]', "x.json"),
        (b"a\n" + LONG + b"\n1\n", "x.csv"),
    ],
)
def test_what_is_too_long_is_passed_over_and_told(tmp_path: Path, data: bytes, name: str) -> None:
    with open_source(write(tmp_path, data, name), LIMITS) as source:
        lines = list(source.lines())
    assert (lines[0].too_long, lines[0].raw) == (True, b"")
    assert [json.loads(line.raw) for line in lines if line.raw] == [{"a": "1"}]
    assert lines[0].size >= len(LONG)


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fall(tmp_path_factory: Any, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("f")
    for name, start in (("x.json", b"[{"), ("x.csv", b"a,b\n"), ("x.jsonl", b""), ("x.gz", b"\x1f\x8b\x08")):
        try:
            Read(write(folder, start + data, name), mend=True)
        except Refused as refusal:
            assert refusal.problem.code in CODES


def test_a_head_can_be_looked_at_and_stays_unread(tmp_path: Path) -> None:
    with open_source(write(tmp_path, gzip.compress(JSONL)), LIMITS) as source:
        assert source.file is not None
        assert source.head(20) == JSONL[:20] == source.file.readline(20)
        assert source.file.readline(1 << 20) == JSONL.split(b"\n")[0][20:] + b"\n"
        assert 0 < source.position() <= source.path.stat().st_size
