"""Every text of a row: where it stands, under which key, and what takes its place.

A text that is itself JSON (a tool call's arguments) is walked inside: its texts and whole numbers are visited
one by one and put back as JSON, so it stays valid and keeps its layout.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from trainer.data.findings import quote

Visit = Callable[[str, str, str], str]  # (text, its JSON path, the key it stands under) → the text to put there

SKIPPED = frozenset(("role", "type", "from"))
NESTED = 4  # JSON in a text of JSON in a text …
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[\[\]{},:]')


def walk(row: Any, visit: Visit) -> Any:
    """The row with every text replaced by what `visit` gives; keys, numbers and the row given stay untouched."""
    return _value(row, visit, "", "")


def _value(value: Any, visit: Visit, path: str, key: str) -> Any:
    if isinstance(value, str):
        return value if key in SKIPPED and len(value) < 32 else _text(value, visit, path, key, 0)
    if isinstance(value, dict):
        return {k: _value(v, visit, _step(path, k), k) for k, v in value.items()}
    if isinstance(value, list):
        return [_value(v, visit, f"{path}[{i}]", key) for i, v in enumerate(value)]
    return value


def _step(path: str, key: str) -> str:
    """Keys come from the file too: what is no plain name is quoted, with anything like a token hidden."""
    said = key if key.isidentifier() and len(key) <= 24 else quote(key, 24)
    return f"{path}.{said}" if path else said


def _text(text: str, visit: Visit, path: str, key: str, depth: int) -> str:
    if depth < NESTED and _is_json(text):
        return _inside(text, visit, path, key, depth + 1)
    return visit(text, path, key)


def _is_json(text: str) -> bool:
    bare = text.strip()
    if not bare or bare[0] + bare[-1] not in ("{}", "[]"):
        return False
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True


def _inside(text: str, visit: Visit, path: str, key: str, depth: int) -> str:
    """The JSON text with its values visited. A text before a colon is a key."""
    parts, at, last_key, keys = [], 0, key, [key]
    for token in _TOKEN.finditer(text):
        said = token[0]
        if said in "{[":
            keys.append(last_key)
        elif said in "}]":
            keys.pop()
            last_key = keys[-1]
        elif said in ",:":
            last_key = keys[-1] if said == "," else last_key
        elif said[0] == '"' and _before_colon(text, token.end()):
            last_key = json.loads(said, strict=False)
        else:
            parts += text[at : token.start()], _again(said, visit, path, last_key, depth)
            at = token.end()
    return "".join((*parts, text[at:]))


def _before_colon(text: str, at: int) -> bool:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return text[at : at + 1] == ":"


def _again(said: str, visit: Visit, path: str, key: str, depth: int) -> str:
    """A value's token with its text visited; a whole number that is replaced becomes a text."""
    if said[0] != '"':
        new = visit(said, path, key) if said.isdigit() and len(said) >= 8 else said
        return said if new == said else json.dumps(new)
    value = json.loads(said, strict=False)
    new = _text(value, visit, path, key, depth)
    return said if new == value else json.dumps(new, ensure_ascii=said.isascii())
