"""What a file is, told by its first bytes."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

import msgspec

from trainer.data.findings import Problem
from trainer.data.lines import BOM

_CONVERT = "Export it as JSONL: one JSON object per line, in UTF-8."
# first bytes → what the file is, and what to do: nothing here can be read
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"BZh", "a bzip2 archive", "Unpack it (bunzip2), or pack it as .gz."),
    (b"\xfd7zXZ\x00", "an xz archive", "Unpack it (unxz), or pack it as .gz."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it, or pack it as .zip."),
    (b"Rar!", "a RAR archive", "Unpack it, or pack it as .zip."),
    (b"%PDF-", "a PDF", _CONVERT),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "Export the sheet as CSV in UTF-8."),
    (b"ARROW1", "an Arrow file", "Save it as Parquet."),
    (b"SQLite format 3\0", "a SQLite database", _CONVERT),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the data itself",
        "Run `git lfs pull` and send the real file.",
    ),
)
PACKED: dict[bytes, str] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")
WRAPPERS = ("data", "rows", "train", "dataset", "examples", "records", "items", "samples", "training_data")
DELIMITERS = (",", "\t", ";", "|")
NAME_CHARS = 64  # a column's name; what is longer is rather a text
LOOK_RECORDS = 20
# strings whole, so that brackets inside them do not count; never across a line
TOKEN = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"?|[{}\[\]]')
_WHOLE = msgspec.json.Decoder(msgspec.Raw).decode


@dataclass(frozen=True, slots=True)
class Kind:
    """`kind` is "jsonl", "array", "stream" (objects over many lines, or several a line), "wrapped" (a list under
    `key`, which begins at byte `start`), "csv", "parquet", "cr", "u2028" or "text"."""

    kind: str
    delimiter: str = ""
    key: str = ""
    start: int = 0


def packed(head: bytes) -> str:
    """The archive's name, "" for none."""
    return next((name for magic, name in PACKED.items() if head.startswith(magic)), "")


def utf16(head: bytes) -> str:
    """The codec of UTF-16 text, "" for anything else."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16-le" if head[0] == 0xFF else "utf-16-be"
    half = len(head) // 2
    even, odd = head[::2].count(0), head[1::2].count(0)
    if half >= 4 and max(even, odd) * 10 > half * 4 and b"\0\0\0" not in head:
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


def foreign(head: bytes) -> Problem | None:
    """A file that cannot be read at all."""
    for magic, name, fix in _FOREIGN:
        if head.startswith(magic):
            return Problem("not_jsonl", f"This is {name}, not a dataset. {fix}")
    if head.removeprefix(BOM).lstrip().lower().startswith(_HTML):
        return Problem(
            "not_jsonl",
            "This is a web page, not JSONL: perhaps a login page that was saved in the file's place. "
            "Download the data again while signed in.",
        )
    if head.count(b"\0") * 10 > len(head):
        return Problem("not_jsonl", f"This is a binary file, not a dataset. {_CONVERT}")
    return None


def tell(head: bytes, name: str, whole: bool) -> Kind:
    """The kind of a text file. `whole` means that `head` is all of it."""
    text = head.removeprefix(BOM)
    if b"\n" not in text and b"\r" in text.strip():
        return Kind("cr")
    if b"\n" not in text.strip() and re.search(rb"\}\xe2\x80\xa8\{", text):
        return Kind("u2028")
    if name.lower().endswith((".csv", ".tsv")) and (found := _table(text, whole, named=True)):
        return found
    lines = [line.strip() for line in text.split(b"\n") if line.strip()]
    first = next((i for i, line in enumerate(lines) if not line.startswith((b"//", b"#", b"/*"))), 0)
    lines = lines[first:]
    if not lines or lines[0].startswith((b"{", b"[")) or _is_json(lines[0]):
        return _json_kind(text, lines) if lines else Kind("jsonl")
    found = _table(text, whole)
    return found or Kind("jsonl" if any(line.startswith((b"{", b"\xef\xbb\xbf{")) for line in lines) else "text")


def _json_kind(text: bytes, lines: list[bytes]) -> Kind:
    first, alone = lines[0], len(lines) == 1
    if first.startswith(b"["):
        return Kind("array") if alone or not _is_json(first) or not _row_like(lines[1]) else Kind("jsonl")
    if not first.startswith(b"{"):
        return Kind("jsonl")
    if (alone or _goes_on(lines)) and (wrapped := wrapped_list(text)):
        return wrapped
    if alone:
        return Kind("stream") if _several(first) else Kind("jsonl")
    return Kind("stream") if _goes_on(lines) else Kind("jsonl")


def _row_like(line: bytes) -> bool:
    return line.startswith((b"[", b"{")) and _is_json(line)


def _goes_on(lines: list[bytes]) -> bool:
    """The first line is the beginning of an object that is spread over more lines."""
    first, second = lines[:2]
    if _is_json(second):  # a row of its own: only the first line is broken
        return False
    if first.endswith((b",", b":")):
        return not _is_json(first[:-1])
    return first.endswith((b"{", b"[")) and not _is_json(first) and not _same_start(first, second)


def _same_start(first: bytes, second: bytes) -> bool:
    return first[:12] == second[:12] and len(first) >= 12


def _several(line: bytes) -> bool:
    """More than one object stands on the line."""
    depth = 0
    for token in TOKEN.finditer(line):
        depth += (token[0] in b"{[") - (token[0] in b"}]") if token[0][:1] != b'"' else 0
        if depth == 0:
            return line[token.end() :].lstrip(b" \t,").startswith(b"{")
    return False


def wrapped_list(text: bytes) -> Kind | None:
    """The one list of objects inside an object, when its key says that it holds the rows."""
    depth, last = 0, b""
    for token in TOKEN.finditer(text):
        found = token[0]
        if found[:1] == b'"':
            last = found if depth == 1 else last
        elif found in b"}]":
            depth -= 1
        else:
            key = last.strip(b'"').decode("utf-8", "replace")
            if found == b"[" and depth == 1 and key in WRAPPERS and text[token.end() :].lstrip()[:1] == b"{":
                return Kind("wrapped", key=key, start=token.end())
            depth += 1
        if depth <= 0 and found[:1] != b'"':
            return None
    return None


def _table(text: bytes, whole: bool, *, named: bool = False) -> Kind | None:
    """A table, when one delimiter cuts the first records into equally many cells under short names."""
    sample = text if whole else text[: text.rfind(b"\n") + 1]
    found = [(len(rows[0]), d) for d in DELIMITERS if (rows := _records(sample, d)) and _fits(rows, named)]
    best = max(found, key=lambda f: f[0], default=None)
    if best and (best[0] > 1 or named):
        return Kind("csv", best[1] if best[0] > 1 else ",")
    return None


def _records(sample: bytes, delimiter: str) -> list[list[str]]:
    lines = sample.decode("utf-8", "replace").splitlines(keepends=True)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            rows += [row] if row else []
            if len(rows) > LOOK_RECORDS:
                break
    except csv.Error:
        pass
    return rows


def _fits(rows: list[list[str]], named: bool) -> bool:
    header, body = rows[0], rows[1:]
    if named:
        return True
    same = sum(len(row) == len(header) for row in body)
    names = all(0 < len(cell.strip()) <= NAME_CHARS for cell in header) and len(set(header)) == len(header)
    return len(header) > 1 and names and len(body) >= 1 and same * 2 >= len(body)


def _is_json(line: bytes) -> bool:
    try:
        _WHOLE(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
