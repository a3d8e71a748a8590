"""Chat rows written as another format. What a format cannot carry is skipped with its line and the reason.

Every written row is read back before it counts: it must be clean in its format, and the same chat row again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import msgspec

from trainer.data.export_rows import (
    Cannot,
    to_alpaca,
    to_chat,
    to_mistral,
    to_prompt_completion,
    to_sharegpt,
    to_vertex,
)
from trainer.data.formats import load_format
from trainer.data.formats.openai_chat import text_of
from trainer.data.targets import load_target
from trainer.errors import BadInput
from trainer.types import Severity

Row = dict[str, Any]


class Way(NamedTuple):
    """How a format is written."""

    write: Callable[[Row], Row]  # raises `Cannot`
    format: str  # that it is read back as
    target: str = ""  # whose rules the row must keep
    metadata: bool = True  # whether it may stand in the file; else it is left out, and counted
    array: bool = False  # by custom one JSON array instead of lines
    parts: bool = True  # whether content in parts stays in parts; else the parts become one text


WAYS: dict[str, Way] = {
    "openai": Way(to_chat, "openai-chat", "openai"),
    "together": Way(to_chat, "openai-chat", "together", metadata=False),
    "fireworks": Way(to_chat, "openai-chat", "fireworks", metadata=False),
    "mistral": Way(to_mistral, "openai-chat", "mistral", metadata=False),
    "trl": Way(to_chat, "openai-chat", "trl"),
    "trl-prompt-completion": Way(to_prompt_completion, "trl-prompt-completion", "trl"),
    "alpaca": Way(to_alpaca, "alpaca", array=True, parts=False),
    "sharegpt": Way(to_sharegpt, "sharegpt", parts=False),
    "vertex": Way(to_vertex, "vertex", "vertex", metadata=False),
}


@dataclass(slots=True)
class Exported:
    """`skipped`: (line, reason), with the lines of the rows as they came; `left_out`: what, in how many rows."""

    rows: int = 0
    skipped: list[tuple[int, str]] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def export(
    rows: Iterable[Row] | Iterable[tuple[int, Row]], out: BinaryIO, format: str, *, lines: bool = False
) -> Exported:
    """Write chat rows; rows without line numbers are counted from 1. Raises BadInput for an unknown format.

    `lines`: one row a line, even where the format is an array by custom."""
    if format not in WAYS:
        raise BadInput(f"There is no export to {format!r}.", fix=f"Known: {', '.join(WAYS)}.", param="format")
    way, done = WAYS[format], Exported()
    array = way.array and not lines
    if array:
        out.write(b"[")
    for line, row in _numbered(rows):
        try:
            raw = _written(row, way)
        except Cannot as cannot:
            done.skipped.append((line, str(cannot)))
            continue
        out.write((b",\n" if done.rows else b"\n") + raw if array else raw + b"\n")
        done.rows += 1
        if not way.metadata and row.get("metadata"):
            done.left_out["metadata"] = done.left_out.get("metadata", 0) + 1
    if array:
        out.write(b"\n]\n")
    return done


def _numbered(rows: Iterable[Any]) -> Iterator[tuple[int, Row]]:
    for count, item in enumerate(rows, 1):
        yield item if isinstance(item, tuple) else (count, item)


def _written(row: Row, way: Way) -> bytes:
    """The row's bytes. Raises Cannot."""
    _refuse(load_format("openai-chat").inspect(row), "It is no sound chat row")
    kept = dict(row) if way.metadata else {key: value for key, value in row.items() if key != "metadata"}
    if not way.parts:
        kept["messages"] = [_one_text(message) for message in kept["messages"]]
    written = way.write(kept)
    if way.target:
        for problem in load_target(way.target).inspect(written, way.format):
            raise Cannot(problem.message)
    try:
        raw = msgspec.json.encode(written)
        again = json.loads(raw)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        raise Cannot("It holds what JSON cannot carry.") from None
    reader = load_format(way.format)
    _refuse(reader.inspect(again), "Its format would refuse it")
    if settled(reader.chat(again) or {}) != settled(kept):
        raise Cannot("It would read back differently.")
    return raw


def _refuse(problems: Iterable[Any], said: str) -> None:
    for problem in problems:
        if problem.severity is Severity.ERROR:
            raise Cannot(f"{said}: {problem.message}")


def _one_text(message: Row) -> Row:
    return message | {"content": text_of(message)} if isinstance(message.get("content"), list) else message


def settled(row: Row) -> Row:
    """A chat row without what means nothing: the ids' spelling, arguments' white space, a weight of 1, empty lists."""
    calls = _Calls()
    kept = {key: value for key, value in row.items() if value not in ([], {}) and key != "parallel_tool_calls"}
    if row.get("parallel_tool_calls") is False:
        kept["parallel_tool_calls"] = False
    return kept | {"messages": [calls.message(message) for message in row.get("messages", ())]}


class _Calls:
    """Numbers calls in their order, so that ids of any spelling compare."""

    def __init__(self) -> None:
        self.open: dict[str, tuple[int, str]] = {}  # id → (number, function)
        self.count = 0

    def message(self, message: Row) -> Row:
        kept = {key: value for key, value in message.items() if value is not None}
        if kept.get("weight") == 1:
            del kept["weight"]
        content = kept.get("content")
        if isinstance(content, list) and len(content) == 1:
            kept["content"] = content[0]["text"]
        if kept.get("tool_calls"):
            kept["tool_calls"] = [self._call(call) for call in kept["tool_calls"]]
            if not kept.get("content"):
                kept.pop("content", None)
        if kept["role"] == "tool" and kept.get("tool_call_id") in self.open:
            kept["tool_call_id"], function = self.open[kept["tool_call_id"]]
            if kept.get("name") == function:
                del kept["name"]
        return kept

    def _call(self, call: Row) -> Row:
        self.count += 1
        function = call["function"]
        self.open[call["id"]] = self.count, function["name"]
        arguments = json.dumps(json.loads(function["arguments"]), sort_keys=True)
        return call | {"id": self.count, "function": function | {"arguments": arguments}}
