"""One line of bytes → a Python value, or the exact reason why not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from trainer.data.findings import Problem, quote

MAX_DEPTH = 100
PROBLEMS_PER_ROW = 100
MAX_INT_DIGITS = 19


class Repeated(dict[str, Any]):
    """An object in which a key stood twice; `keys_twice` names them."""

    keys_twice: tuple[str, ...] = ()


class Unreadable:
    """Stands where a number was that no loader can hold; `code` says why. It is reported here, once."""

    def __init__(self, code: str) -> None:
        self.code = code


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    seen: set[str] = set()
    twice = tuple(dict.fromkeys(k for k, _ in pairs if k in seen or seen.add(k)))
    repeated = Repeated(plain)
    repeated.keys_twice = twice
    return repeated


def _int(digits: str) -> Any:
    if len(digits.lstrip("-")) < MAX_INT_DIGITS:
        return int(digits)
    fits = len(digits.lstrip("-")) == MAX_INT_DIGITS and -(2**63) <= int(digits) < 2**63
    return int(digits) if fits else Unreadable("huge_integer")


def _float(digits: str) -> Any:
    value = float(digits)
    return Unreadable("nan_or_infinity") if math.isinf(value) else value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_int=_int,
    parse_float=_float,
    parse_constant=lambda _: Unreadable("nan_or_infinity"),
)


def parse(raw: bytes, *, last: bool) -> tuple[Any, list[Problem]]:
    """The value and what is wrong with it as JSON; the value is `...` when there is none to look into."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return ..., [_not_utf8(raw, error)]
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return ..., [_explain(text, error, last)]
    except RecursionError:
        return ..., [_too_deep()]
    problems = list(islice(_walk(value), PROBLEMS_PER_ROW))
    return (... if any(p.code == "too_deep" for p in problems) else value), problems


def _too_deep() -> Problem:
    return Problem("too_deep", f"Objects and lists are nested deeper than {MAX_DEPTH} levels.")


def _not_utf8(raw: bytes, error: UnicodeDecodeError) -> Problem:
    byte, column = raw[error.start], error.start + 1
    if byte == 0xED and raw[error.start + 1 : error.start + 2] >= b"\xa0":
        return Problem("lone_surrogate", f"Byte {column} begins half of a surrogate pair, which is no UTF-8.")
    return Problem(
        "not_utf8",
        f"Byte {column} (0x{byte:02X}) is not UTF-8, but probably {_guess(raw)}. Save the file as UTF-8.",
    )


def _guess(raw: bytes) -> str:
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        return "Latin-1 or binary"
    return "Windows-1252 or Latin-1"


def _explain(text: str, error: json.JSONDecodeError, last: bool) -> Problem:
    if "\0" in text:
        return Problem("nul_character", f"A NUL byte stands at column {text.index(chr(0)) + 1}.")
    if last and _cut_off(text, error):
        return Problem("truncated_last_line", "The file ends in the middle of this row. Send it whole.")
    found = quote(text[error.pos : error.pos + 1]) if error.pos < len(text) else "the end of the line"
    said = f"Not JSON at column {error.pos + 1}: found {found}. {_hint(text, error)}"
    return Problem("invalid_json", said.strip())


def _cut_off(text: str, error: json.JSONDecodeError) -> bool:
    """True when more bytes could have made this a row: the fault is that the text ends."""
    rest = text[error.pos :].strip()
    if error.msg.startswith("Unterminated string"):
        return True
    if any(word.startswith(rest) for word in ("true", "false", "null", "-")):
        return True
    return "escape" in error.msg and len(rest) <= len("\\u000")


def _hint(text: str, error: json.JSONDecodeError) -> str:
    here, before = text[error.pos : error.pos + 5], text[: error.pos].rstrip()
    if error.msg.startswith("Extra data"):
        return _extra_data(here)
    if here[:1] in "}]" and before.endswith(","):
        return "Remove the comma before it."
    if here[:1] == "'":
        return "Keys and texts stand in double quotes."
    if here.startswith(("None", "True", "False")):
        return "Write null, true and false; this looks like printed Python."
    if here.startswith(("//", "/*", "#")):
        return "JSON has no comments."
    if here.startswith("\ufeff"):
        return "A byte order mark stands in mid-file: were two files joined?"
    if error.msg.startswith("Invalid control character"):
        return "Line breaks and tabs inside a text are written \\n and \\t."
    if error.msg.startswith("Unterminated string"):
        return "This text has no closing quote; a row must stand on one line."
    return _expected(error.msg)


def _extra_data(here: str) -> str:
    if here.startswith(","):
        return "The row is complete before this comma; JSONL has none between rows."
    if here.startswith(("{", "[")):
        return "A second row begins here; give it a line of its own."
    return "The row was complete before this."


def _expected(message: str) -> str:
    table = {
        "Expecting value": "A value was expected.",
        "Expecting ',' delimiter": "A comma or a closing bracket was expected.",
        "Expecting ':' delimiter": "A colon was expected.",
        "Expecting property name enclosed in double quotes": "A key in double quotes was expected.",
    }
    escape = 'A backslash may stand only before one of "\\/bfnrtu.' if "escape" in message else ""
    return table.get(message, escape)


def _walk(value: Any) -> Iterator[Problem]:
    """Every text, number and object of the value in reading order, without recursion."""
    stack: list[Iterator[tuple[Any, Any]]] = [iter((("", value),))]
    path: list[Any] = []
    while stack:
        step, node = next(stack[-1], (None, _END))
        if node is _END:
            stack.pop()
            continue
        path[len(stack) - 1 :] = [step]
        if isinstance(node, (dict, list)):
            if len(stack) > MAX_DEPTH:
                yield _too_deep()
                return
            stack.append(iter(node.items()) if isinstance(node, dict) else enumerate(node))
        for code, said in _faults(node):
            yield Problem(code, said, _path(path))


_END = object()


def _path(steps: list[Any]) -> str:
    """`messages[0].content`; the first step stands for the row itself."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{_key(s)}" for s in steps[1:]).removeprefix(".")


def _key(key: str) -> str:
    return key if key.isidentifier() and len(key) <= 24 else quote(key, 24)


def _faults(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield from _text(node)
    elif isinstance(node, dict):
        for key in node.keys_twice if isinstance(node, Repeated) else ():
            yield "duplicate_key", f"The key {quote(key)} stands twice here; keep one."
        for key in node:
            yield from _text(key)
    elif isinstance(node, Unreadable):
        yield node.code, _NUMBERS[node.code]


_NUMBERS = {
    "huge_integer": "An integer does not fit in 64 bits; write it as a text.",
    "nan_or_infinity": "NaN and Infinity are not JSON; write null or leave the key out.",
}


def _text(text: str) -> Iterator[tuple[str, str]]:
    if "\0" in text:
        yield "nul_character", "A text holds a NUL character; remove it."
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        yield "lone_surrogate", "A text holds half of a surrogate pair: no valid text."
