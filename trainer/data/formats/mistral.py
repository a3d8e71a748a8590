"""Mistral chat rows that OpenAI's rules do not know: an assistant message with `prefix`.

Without that key Mistral's rows are OpenAI chat; what Mistral demands beyond it is the target "mistral".
"""

from __future__ import annotations

from typing import Any

from trainer.data.findings import kind
from trainer.data.formats.as_chat import ChatFormat, Converted, as_text
from trainer.data.formats.look import Look


class Mistral(ChatFormat):
    name = "mistral"
    title = "Mistral chat"

    def matches(self, row: dict[str, Any]) -> bool:
        messages = row.get("messages")
        return isinstance(messages, list) and any(isinstance(m, dict) and "prefix" in m for m in messages)

    def look(self, row: dict[str, Any], look: Look) -> None:
        messages = row.get("messages")
        for i, message in enumerate(messages if isinstance(messages, list) else ()):
            prefix = message.get("prefix", False) if isinstance(message, dict) else False
            if not isinstance(prefix, bool) and look.readable(prefix):
                said = f"'prefix' is true or false; this is {kind(prefix)}."
                look.say("bad_prefix", said, f"messages[{i}].prefix", kind(prefix))
            elif prefix is True and message.get("role") != "assistant":
                said = "Only an assistant message is a prefix."
                look.say("bad_prefix", said, f"messages[{i}].prefix", "true")
        if look.broken:  # then nothing is converted, but the rest is wanted too
            look.take(self.convert(row).problems())

    def convert(self, row: dict[str, Any]) -> Converted:
        messages = row.get("messages")
        if not isinstance(messages, list):
            return Converted(row, [], "messages")
        marks = {
            f"messages[{i}].prefix": as_text(message["prefix"])
            for i, message in enumerate(messages)
            if isinstance(message, dict) and "prefix" in message
        }
        chat = row | {"messages": [_without_prefix(message) for message in messages]}
        if marks and isinstance(row.get("metadata", {}), dict):
            chat["metadata"] = row.get("metadata", {}) | marks
        return Converted(chat, [f"messages[{i}]" for i in range(len(messages))], "messages")


def _without_prefix(message: Any) -> Any:
    if not isinstance(message, dict) or "prefix" not in message:
        return message
    return {key: value for key, value in message.items() if key != "prefix"}
