"""Alpaca rows: {"instruction", "input"?, "output", "system"?, "history"?: [[question, answer], …]}.

`instruction` and `input` become one question, joined by a blank line.
"""

from __future__ import annotations

from typing import Any

from trainer.data.findings import kind
from trainer.data.formats.as_chat import ChatFormat, Converted, Metadata
from trainer.data.formats.look import QUIET, Look
from trainer.data.formats.quick import flat_rows, visible

KEYS = frozenset({"instruction", "input", "output", "system", "history"})
TEXTS = (KEYS | QUIET) - {"history"}


class Alpaca(ChatFormat):
    name = "alpaca"
    title = "Alpaca"

    def matches(self, row: dict[str, Any]) -> bool:
        return "instruction" in row and ("output" in row or "response" not in row)

    def block(self, raw: bytes) -> list[Any] | None:
        return flat_rows(raw, _clean)

    def look(self, row: dict[str, Any], look: Look) -> None:
        look.needs_text(row, "instruction")
        look.may_text(row, "input")
        look.needs_text(row, "output")
        look.may_text(row, "system")
        _look_history(row.get("history"), look)
        look.extras(row, KEYS)

    def convert(self, row: dict[str, Any]) -> Converted:
        messages: list[dict[str, Any]] = []
        places: list[str] = []
        history: list[list[str]] = row.get("history") or []
        if row.get("system"):
            messages.append({"role": "system", "content": row["system"]})
            places.append("system")
        for i, (question, answer) in enumerate(history):
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            places += [f"history[{i}][0]", f"history[{i}][1]"]
        messages += [{"role": "user", "content": _question(row)}, {"role": "assistant", "content": row["output"]}]
        places += ["instruction", "output"]
        chat = Metadata.of(row, KEYS).put({"messages": messages})
        return Converted(chat, places, rename={})


def _clean(row: dict[str, Any]) -> bool:
    asked = visible(row.get("instruction")) or (row.get("instruction") == "" and visible(row.get("input")))
    system = row.get("system")
    return asked and visible(row.get("output")) and (not system or visible(system)) and row.keys() <= TEXTS


def _question(row: dict[str, Any]) -> str:
    instruction, given = row["instruction"], row.get("input") or ""
    if not given.strip():
        return instruction
    return f"{instruction}\n\n{given}" if instruction.strip() else given


def _look_history(history: Any, look: Look) -> None:
    if history is None or not look.readable(history):
        return
    if not isinstance(history, list):
        look.say("bad_history", f"'history' is a list of pairs; this is {kind(history)}.", "history", kind(history))
        return
    for i, pair in enumerate(history):
        path = f"history[{i}]"
        if isinstance(pair, list) and len(pair) == 2:
            look.text(pair[0], "The question", f"{path}[0]")
            look.text(pair[1], "The answer", f"{path}[1]")
        elif look.readable(pair):
            found = f"a list of {len(pair)}" if isinstance(pair, list) else kind(pair)
            look.say("bad_history", f"A piece of history is [question, answer]; this is {found}.", path, found)
