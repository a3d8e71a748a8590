"""OpenAI preference rows: {"input": {"messages", "tools"?, "parallel_tool_calls"?}, "preferred_output": [message],
"non_preferred_output": [message]}; the outputs are the assistant's messages, with the results of its tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainer.data.findings import Problem, kind, quote
from trainer.data.formats import Kind, load_format
from trainer.data.formats.as_chat import Converted
from trainer.data.formats.look import Look
from trainer.data.parse import Unreadable
from trainer.data.view import View

OUTPUTS = ("preferred_output", "non_preferred_output")
KEYS = frozenset({"input", *OUTPUTS})
INPUT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})


class OpenAIPreference:
    name = "openai-preference"
    title = "OpenAI preference"
    kind: Kind = "preference"

    def matches(self, row: dict[str, Any]) -> bool:
        if "preferred_output" in row or "non_preferred_output" in row:
            return True
        return isinstance(row.get("input"), dict) and "messages" in row["input"]

    def block(self, raw: bytes) -> list[Any] | None:
        return None

    def plain(self, row: Any) -> dict[str, Any]:
        return row

    def chat(self, row: Any) -> dict[str, Any] | None:
        return None

    def view(self, row: Any) -> View:
        return load_format("openai-chat").view(_side(row, "preferred_output").row)

    def inspect(self, row: Any) -> Iterator[Problem]:
        look = Look()
        if look.row(row):
            look.strangers(row, KEYS)
            given = _look_input(row, look)
            whole = [name for name in OUTPUTS if _look_output(row, name, look)]
            if given:
                _look_talks(row, whole, look)
            if not look.broken and row[OUTPUTS[0]] == row[OUTPUTS[1]]:
                look.say("same_answers", "Both outputs are the same: nothing to prefer.", OUTPUTS[1])
        return look.report()


def _look_input(row: dict[str, Any], look: Look) -> bool:
    """Whether there are messages to look into."""
    if not look.has(row, "input") or not look.readable(row["input"]):
        return False
    given = row["input"]
    if not isinstance(given, dict):
        said = f"'input' is {{\"messages\": …}}; this is {kind(given)}."
        look.say("missing_messages", said, "input", kind(given))
        return False
    look.strangers(given, INPUT_KEYS, "input")
    if "messages" not in given:
        look.say("missing_messages", "The input has no 'messages'.", "input", "no 'messages'")
        return False
    return _look_list(given["messages"], "input.messages", look)


def _look_list(messages: Any, path: str, look: Look) -> bool:
    if isinstance(messages, list) and messages:
        return True
    if messages == []:
        look.say("empty_messages", f"'{path}' is an empty list.", path, "[]")
    elif look.readable(messages):
        said = f"'{path}' is a list of messages; this is {kind(messages)}."
        look.say("messages_not_a_list", said, path, kind(messages))
    return False


def _look_output(row: dict[str, Any], name: str, look: Look) -> bool:
    if not look.has(row, name) or not _look_list(row[name], name, look):
        return False
    for i, message in enumerate(row[name]):
        role = message.get("role", "assistant") if isinstance(message, dict) else "assistant"
        if role not in ("assistant", "tool") and not isinstance(role, Unreadable):
            said = f"An output is the assistant's, with its tools' results; this message is {quote(role, 24)}'s."
            look.say("output_not_assistant", said, f"{name}[{i}].role", quote(role, 24))
    return True


def _look_talks(row: dict[str, Any], outputs: list[str], look: Look) -> None:
    """What chat says of the input with each output; of the input's own faults, once."""
    told: set[Problem] = set()
    for name in outputs:
        problems = [p for p in _side(row, name).problems({"nothing_to_learn"}) if p not in told]
        told.update(problems)
        look.take(problems)


def _side(row: dict[str, Any], name: str) -> Converted:
    given = row["input"]
    places = [f"input.messages[{i}]" for i in range(len(given["messages"]))]
    places += [f"{name}[{i}]" for i in range(len(row[name]))]
    rest = {key: value for key, value in given.items() if key in INPUT_KEYS}
    return Converted(rest | {"messages": given["messages"] + row[name]}, places, "input.messages", "input.")
