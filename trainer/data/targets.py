"""What the service that shall train on a dataset takes: from one dated data file, as findings on rows and files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from trainer.advice.hosted import NEAR_DAYS, STALE_DAYS, Entry, hosted
from trainer.data.findings import Problem, quote
from trainer.errors import BadInput

# where the formats keep lists of messages
TALKS = ("messages", "prompt", "completion", "chosen", "rejected", "preferred_output", "non_preferred_output")
OUTPUTS = ("preferred_output", "non_preferred_output")
BYTES_PER_TOKEN = 4  # a guess that holds for most languages in Latin script


@dataclass(frozen=True, slots=True)
class Target:
    """`None` where no such rule is known; `tool_id` is a pattern for the whole id."""

    name: str
    title: str
    provider: str  # as the advice's data file calls it; "" for what runs here
    formats: tuple[str, ...]
    min_rows: int | None
    max_rows: int | None
    max_bytes: int | None
    max_row_tokens: int | None
    roles: tuple[str, ...]
    system_first: bool
    alternate: bool
    tool_id: str | None
    tool_id_words: str
    max_tools: int | None
    weight: bool
    parts: bool
    outputs: int | None  # how many messages a preferred output has
    refused_keys: tuple[str, ...]
    source: str

    def inspect(self, plain: dict[str, Any], format: str) -> Iterator[Problem]:
        """What the target refuses in an accepted row. A format that it does not take at all is `whole`'s to say."""
        if format not in self.formats:
            return
        for key in self.refused_keys:
            if key in plain:
                yield Problem("target_key", f"{self.title} refuses the key {quote(key)}.", key, quote(key))
        given = plain["input"] if format == "openai-preference" else plain
        yield from self._tools(given, "input." if given is not plain else "")
        if given is not plain:
            yield from self._talk(given["messages"], "input.messages")
        for name in TALKS:
            if isinstance(plain.get(name), list):
                yield from self._talk(plain[name], name)
        for name in OUTPUTS:
            if self.outputs is not None and isinstance(plain.get(name), list) and len(plain[name]) != self.outputs:
                said = f"{self.title} takes {self.outputs} message as an output; here are {len(plain[name])}."
                yield Problem("target_outputs", said, name, str(len(plain[name])))

    def whole(self, rows: int, bytes: int, format: str, today: date) -> Iterator[Problem]:
        """What the target refuses in the file as a whole, and when its offer ends."""
        if format not in self.formats:
            known = ", ".join(self.formats)
            yield Problem("target_format", f"{self.title} refuses {format or 'this'}; it takes {known}.", "", format)
        if self.min_rows is not None and rows < self.min_rows:
            said = f"{self.title} refuses fewer than {self.min_rows:,} rows; the file has {rows:,} usable ones."
            yield Problem("target_too_few_rows", said, "", f"{rows:,}")
        if self.max_rows is not None and rows > self.max_rows:
            said = f"{self.title} refuses more than {self.max_rows:,} rows; the file has {rows:,}."
            yield Problem("target_too_many_rows", said, "", f"{rows:,}")
        if self.max_bytes is not None and bytes > self.max_bytes:
            said = f"{self.title} refuses files over {_mib(self.max_bytes)} MiB; this has {_mib(bytes)} MiB."
            yield Problem("target_too_large", said, "", f"{_mib(bytes)} MiB")
        yield from self._ends(format, today)

    def long(self, size: int) -> Problem | None:
        """A row of so many bytes that it is probably cut off or refused."""
        if self.max_row_tokens is None or size <= self.max_row_tokens * BYTES_PER_TOKEN:
            return None
        about = size // BYTES_PER_TOKEN
        said = f"About {about:,} tokens, guessed from bytes; {self.title} reads {self.max_row_tokens:,} of a row."
        return Problem("target_row_too_long", said, "", f"{size:,} bytes")

    def _tools(self, given: dict[str, Any], prefix: str) -> Iterator[Problem]:
        tools = given.get("tools")
        if self.max_tools is not None and isinstance(tools, list) and len(tools) > self.max_tools:
            said = f"{self.title} refuses more than {self.max_tools} tools; here are {len(tools)}."
            yield Problem("target_too_many_tools", said, f"{prefix}tools", str(len(tools)))

    def _talk(self, messages: list[Any], name: str) -> Iterator[Problem]:
        before = ""
        for i, message in enumerate(messages):
            role, path = message["role"], f"{name}[{i}]"
            if role not in self.roles:
                said = f"{self.title} refuses the role {quote(role, 24)}; it knows {', '.join(self.roles)}."
                yield Problem("target_role", said, f"{path}.role", quote(role, 24))
            elif role == "system" and i and self.system_first:
                said = f"{self.title} refuses a system message behind other messages."
                yield Problem("target_system_place", said, path, f"message {i + 1}")
            elif role == before and role in ("user", "assistant") and self.alternate:
                said = f"{self.title} refuses two messages of the {role} in a row."
                yield Problem("target_order", said, path, f"{role}, {role}")
            yield from self._message(message, path)
            before = role

    def _message(self, message: dict[str, Any], path: str) -> Iterator[Problem]:
        if not self.weight and message.get("weight") == 0:
            said = f"{self.title} does not heed weights: it would learn this message too."
            yield Problem("target_weight", said, f"{path}.weight", "0")
        if not self.parts and isinstance(message.get("content"), list):
            said = f"{self.title} takes a text here, no list of parts."
            yield Problem("target_parts", said, f"{path}.content", "a list")
        if self.tool_id is None:
            return
        for i, call in enumerate(message.get("tool_calls") or ()):
            yield from self._id(call["id"], f"{path}.tool_calls[{i}].id")
        if message["role"] == "tool":
            yield from self._id(message["tool_call_id"], f"{path}.tool_call_id")

    def _id(self, tool_id: str, path: str) -> Iterator[Problem]:
        if not re.fullmatch(self.tool_id or "", tool_id):
            said = f"{self.title} refuses the tool call id {quote(tool_id, 24)}: it is {self.tool_id_words}."
            yield Problem("target_tool_id", said, path, quote(tool_id, 24))

    def _ends(self, format: str, today: date) -> Iterator[Problem]:
        entries = [entry for entry in hosted().entries if self.provider and entry.provider == self.provider]
        for entry in entries:
            if "evals" not in entry.what or format == "openai-reinforcement":  # graders matter only there
                yield _end(entry, today)
        if (today - targets_as_of()).days > STALE_DAYS and self.provider:
            said = f"{self.title}'s rules are as of {targets_as_of()}; look them up again."
            yield Problem("target_old_rules", said, "", str(targets_as_of()))


def _end(entry: Entry, today: date) -> Problem:
    subject = f"{entry.provider}: {entry.what}"
    if entry.ends is None:
        return Problem("target_ends", f"{subject}; no end date is known to us.", "", "no date")
    days = (entry.ends - today).days
    if days <= 0:
        return Problem("target_ends", f"{subject} ended on {entry.ends}.", "", str(entry.ends))
    code = "target_ends" if days <= NEAR_DAYS else "target_ends_later"
    return Problem(code, f"{subject} ends on {entry.ends}, in {days} day{'s' * (days != 1)}.", "", str(entry.ends))


def _mib(count: int) -> str:
    return f"{count / 2**20:,.1f}".removesuffix(".0")


@dataclass(frozen=True, slots=True)
class _Known:
    as_of: date
    targets: tuple[Target, ...]


@cache
def _known() -> _Known:
    return msgspec.json.decode(files("trainer.data").joinpath("targets.json").read_bytes(), type=_Known)


def targets_as_of() -> date:
    """The day on which the rules were looked up."""
    return _known().as_of


def target_names() -> tuple[str, ...]:
    return tuple(target.name for target in _known().targets)


def load_target(name: str) -> Target:
    """The target by its name. Raises BadInput for one that is not known."""
    for target in _known().targets:
        if target.name == name:
            return target
    raise BadInput(f"There is no target {name!r}.", fix=f"Known: {', '.join(target_names())}.", param="target")
