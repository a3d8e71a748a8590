"""OpenAI reinforcement rows: {"messages": […, the last one asks], "tools"?, and free keys that the grader reads}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainer.data.findings import Problem, kind, quote
from trainer.data.formats import Kind, load_format
from trainer.data.formats.as_chat import Converted
from trainer.data.formats.look import Look
from trainer.data.formats.openai_chat import ROW_KEYS
from trainer.data.view import View

ASKING = ("user", "developer", "system")
TALK_KEYS = ("tools", "parallel_tool_calls")
_ANSWER = {"role": "assistant", "content": "the answer to be graded"}


class OpenAIReinforcement:
    name = "openai-reinforcement"
    title = "OpenAI reinforcement"
    kind: Kind = "reinforcement"

    def matches(self, row: dict[str, Any]) -> bool:
        """Keys that chat does not have, and a last message that is not the assistant's."""
        messages = row.get("messages")
        if not isinstance(messages, list) or not messages or row.keys() <= ROW_KEYS:
            return False
        last = messages[-1]
        return isinstance(last, dict) and isinstance(last.get("role"), str) and last["role"] != "assistant"

    def block(self, raw: bytes) -> list[Any] | None:
        return None

    def plain(self, row: Any) -> dict[str, Any]:
        return row

    def chat(self, row: Any) -> dict[str, Any] | None:
        return None

    def view(self, row: Any) -> View:
        """The answer is what the grader is given to compare with, where that is a text."""
        seen = load_format("openai-chat").view(_answered(row).row)
        free = (row[key] for key in row if key not in ROW_KEYS)
        return View(seen.prompt, next((text for text in free if isinstance(text, str)), ""), seen.roles[:-1])

    def inspect(self, row: Any) -> Iterator[Problem]:
        look = Look()
        if look.row(row):
            _look(row, look)
        return look.report()


def _look(row: dict[str, Any], look: Look) -> None:
    if "messages" not in row:
        look.say("missing_messages", "The row has no 'messages'.", "", "no 'messages'")
        return
    messages = row["messages"]
    if not look.readable(messages):
        return
    if not isinstance(messages, list):
        said = f"'messages' is a list of messages; this is {kind(messages)}."
        look.say("messages_not_a_list", said, "messages", kind(messages))
        return
    if not messages:
        look.say("empty_messages", "'messages' is an empty list.", "messages", "[]")
        return
    look.take(_answered(row).problems())
    role = messages[-1].get("role") if isinstance(messages[-1], dict) else None
    if isinstance(role, str) and role not in ASKING:
        said = f"The last message is {quote(role, 24)}'s; the model is to answer it, so it is the user's."
        look.say("last_not_user", said, f"messages[{len(messages) - 1}].role", quote(role, 24))


def _answered(row: dict[str, Any]) -> Converted:
    """As if the model had answered: then chat's rules hold."""
    messages = row["messages"]
    rest = {key: row[key] for key in TALK_KEYS if key in row}
    places = [f"messages[{i}]" for i in range(len(messages))]
    return Converted(rest | {"messages": [*messages, _ANSWER]}, places, "messages")
