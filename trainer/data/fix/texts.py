"""Fixes of lines that are not JSON yet: text in, text out; the same text where there is nothing to mend."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from trainer.data.formats import detect
from trainer.data.parse import MAX_DEPTH, Unreadable, parse

PYTHON_CHARS = 1 << 20
# each takes an unclosed end too: else every quote of a hostile line would be followed to the line's end
_DOUBLE, _SINGLE = r'"(?:[^"\\]++|\\.)*+"?', r"'(?:[^'\\]++|\\.)*+'?"
_TEXT = re.compile(_DOUBLE, re.S)
_CONTROL = re.compile(r"[\x00-\x1f]")
_COMMENT = re.compile(rf"{_DOUBLE}|{_SINGLE}|(//[^\n]*|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|#[^\n]*)", re.S)
_COMMA = re.compile(rf"{_DOUBLE}|{_SINGLE}|,(?=\s*[}}\]])", re.S)
_NAMES = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}
_UNKNOWN = re.compile(r"[\x81\x8d\x8f\x90\x9d]")
_SPACE = " \t\r\n\u2028\u2029\x85"


def decoded(raw: bytes) -> tuple[str, str]:
    """The text, and the fix that it took: "" for UTF-8. Raises UnicodeDecodeError where there is no plain answer."""
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    try:
        halves = raw.decode("utf-8", "surrogatepass")
        return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), "lone-surrogates"
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "surrogateescape")
    return re.sub(r"[\udc80-\udcff]", _from_cp1252, text), "encoding"


def _from_cp1252(byte: re.Match[str]) -> str:
    return bytes([ord(byte[0]) - 0xDC00]).decode("cp1252")


def without_bom(text: str) -> str:
    return text.lstrip("\ufeff")


def without_nul(text: str) -> str:
    return text.replace("\0", "")


def escaped(text: str) -> str:
    """Control characters inside texts as JSON writes them."""
    if not _CONTROL.search(text):
        return text
    return _TEXT.sub(lambda found: _CONTROL.sub(lambda c: json.dumps(c[0])[1:-1], found[0]), text)


def without_comments(text: str) -> str:
    return _COMMENT.sub(lambda found: "" if found[1] else found[0], text)


def without_commas(text: str) -> str:
    shorter = _COMMA.sub(lambda found: "" if found[0] == "," else found[0], text)
    return shorter.strip(_SPACE).strip(",") if shorter.strip(_SPACE).startswith(("{", ",")) else shorter


def from_python(text: str) -> str:
    """A printed dict as JSON. Nothing is run: the syntax tree is read, and holds plain values only."""
    if len(text) > PYTHON_CHARS or _depth(text) > MAX_DEPTH or "\\/" in text or not text.strip().startswith(("{", "[")):
        return text
    try:
        value = _plain(ast.parse(text.strip(), mode="eval").body)
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in re.finditer(r"[\[{(\])}]|[-+~]{100}", text):
        depth += 1 if bracket[0][0] in "[{(" else -1
        deepest = max(deepest, depth, len(bracket[0]) + 1 if len(bracket[0]) > 1 else 0)
    return deepest


def _plain(node: ast.expr) -> Any:
    if isinstance(node, ast.Dict):
        keys = [_plain(key) for key in node.keys if key is not None]
        if len(keys) != len(node.values) or len(set(keys)) != len(keys) or not all(isinstance(k, str) for k in keys):
            raise ValueError("no JSON object")
        return dict(zip(keys, map(_plain, node.values), strict=True))
    if isinstance(node, ast.List):
        return [_plain(item) for item in node.elts]
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _plain(node.operand)
        if type(value) in (int, float):
            return -value
    elif isinstance(node, ast.Constant) and (node.value is None or type(node.value) in (str, int, float, bool)):
        return node.value
    raise ValueError("no JSON value")


def one_a_line(text: str) -> str:
    """Rows that share a line, each on its own."""
    try:
        values = list(_values(text))
    except (ValueError, RecursionError):
        return text
    return "\n".join(values) if len(values) > 1 else text


def _values(text: str) -> Iterator[str]:
    decoder, place = json.JSONDecoder(), 0
    while True:
        while place < len(text) and (text[place] in _SPACE or text[place] in ",\ufeff"):
            place += 1
        if place == len(text):
            return
        value, stop = decoder.raw_decode(text, place)
        if not isinstance(value, (dict, str)):
            raise ValueError("no row")
        yield text[place:stop].replace("\r", " ").replace("\n", " ")
        place = stop


def rows_of(value: Any) -> list[Any] | None:
    """The rows of a list that stands on one line, None where it is none."""
    if isinstance(value, list) and value and not isinstance(value, Unreadable) and all(map(detect, value)):
        return value
    return None


def is_json(text: str) -> bool:
    value, _ = parse(text.encode("utf-8", "surrogatepass"), last=False)
    return value is not ...
