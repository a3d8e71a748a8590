"""Another format's row as OpenAI chat: where each message came from, and what chat itself says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from trainer.data.findings import Problem, quote
from trainer.data.formats import Kind, load_format
from trainer.data.formats.look import Look
from trainer.data.view import View

_MESSAGE = re.compile(r"messages\[(\d+)\](?:\.([a-z_]+))?(.*)", re.DOTALL)


@dataclass(slots=True)
class Converted:
    """`places[i]` is where message i stands in the row it came from."""

    row: dict[str, Any]
    places: list[str]
    whole: str = ""  # where the list of messages itself stands
    prefix: str = ""  # before the paths of the row's other keys
    rename: Mapping[str, str] | None = None  # a message's key → the key there; None: the same keys

    def problems(self, ignore: Set[str] = frozenset()) -> Iterator[Problem]:
        """What OpenAI chat's rules say of it, at the places of the row it came from."""
        for problem in load_format("openai-chat").inspect(self.row):
            if problem.code not in ignore:
                yield replace(problem, path=self._path(problem.path))

    def _path(self, path: str) -> str:
        found = _MESSAGE.fullmatch(path)
        if found is None:
            return self.whole if path == "messages" else f"{self.prefix}{path}" if path else ""
        index, key, rest = int(found[1]), found[2] or "", found[3]
        place = self.places[index] if index < len(self.places) else self.whole
        if self.rename is None:
            return f"{place}.{key}{rest}" if key else f"{place}{rest}"
        there = self.rename.get(key, "")
        return f"{place}.{there}" if there else place


class ChatFormat:
    """What the formats of kind "chat" share. They say `known`, `look` and `convert`."""

    kind: Kind = "chat"

    def look(self, row: dict[str, Any], look: Look) -> None:
        """Everything that stands in the way of `convert`."""
        raise NotImplementedError

    def convert(self, row: dict[str, Any]) -> Converted:
        """A row that `look` found whole."""
        raise NotImplementedError

    def block(self, raw: bytes) -> list[Any] | None:
        return None

    def plain(self, row: Any) -> dict[str, Any]:
        return row

    def view(self, row: Any) -> View:
        return load_format("openai-chat").view(self.convert(row).row)

    def chat(self, row: Any) -> dict[str, Any] | None:
        return self.convert(row).row

    def inspect(self, row: Any) -> Iterator[Problem]:
        look = Look()
        if look.row(row):
            self.look(row, look)
            if not look.broken:
                look.take(self.convert(row).problems())
        return look.report()


@dataclass(slots=True)
class Metadata:
    """What a row carries beyond its format, as texts by name."""

    texts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: dict[str, Any], known: Set[str]) -> Metadata:
        """The keys that the format does not know; a `metadata` object of texts is laid open."""
        extras = {key: as_text(value) for key, value in row.items() if key not in known and key != "metadata"}
        given = row.get("metadata", {})
        if _texts(given) and not given.keys() & extras.keys():
            return cls(extras | given)
        return cls(extras | {"metadata": as_text(given)})

    def add(self, turn: dict[str, Any], known: Set[str], path: str) -> None:
        """The unknown keys of something inside the row, named by their path."""
        for key, value in turn.items():
            if key not in known:
                self.texts[f"{path}.{key}"] = as_text(value)

    def put(self, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"metadata": self.texts} if self.texts else row


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def as_text(value: Any) -> str:
    """A JSON value as a text: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=lambda _: None)


def from_text(text: str) -> Any:
    """The JSON value in a text; `...` when there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return ...


def look_tools(row: dict[str, Any], look: Look) -> None:
    """`tools`: a list of functions, or a text that holds one; null and "" mean none."""
    tools = row.get("tools")
    if tools is None or tools == "" or not look.readable(tools):
        return
    listed = from_text(tools) if isinstance(tools, str) else tools
    if not isinstance(listed, list):
        look.say("bad_tools", "'tools' is a list of functions, or a text that holds one.", "tools", quote(tools, 24))
        return
    for i, tool in enumerate(listed):
        if look.readable(tool) and not isinstance(tool, dict):
            said = "A tool is an object with a name, a description and parameters."
            look.say("bad_tools", said, f"tools[{i}]", quote(tool, 24))


def chat_tools(row: dict[str, Any]) -> dict[str, Any]:
    """{"tools": […]} as OpenAI writes them, {} when the row has none."""
    tools = row.get("tools")
    if tools is None or tools == "":
        return {}
    return {"tools": [_tool(tool) for tool in (from_text(tools) if isinstance(tools, str) else tools)]}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    return tool if "function" in tool else {"type": "function", "function": tool}
