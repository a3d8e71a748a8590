"""TRL's rows of one answer: {"prompt", "completion"}, as texts or as messages, and {"text"}.

TRL learns the completion only: so the assistant's messages inside the prompt get weight 0 in the chat row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainer.data.findings import Problem, kind
from trainer.data.formats import Kind
from trainer.data.formats.as_chat import ChatFormat, Converted, Metadata, chat_tools, look_tools
from trainer.data.formats.look import QUIET, Look
from trainer.data.formats.quick import clean_messages, flat_rows, text_or_talk_rows, visible
from trainer.data.view import View

PAIR_KEYS = frozenset({"prompt", "completion", "tools"})
PLAIN_KEYS = frozenset({"prompt", "completion"}) | QUIET
TEXT_BESIDE = QUIET | {"meta", "url", "title", "timestamp", "date", "lang", "language", "license", "author"}


class PromptCompletion(ChatFormat):
    name = "trl-prompt-completion"
    title = "TRL prompt and completion"
    keys = PAIR_KEYS

    def matches(self, row: dict[str, Any]) -> bool:
        both = "prompt" in row and "completion" in row
        return both or (("prompt" in row or "completion" in row) and row.keys() <= PAIR_KEYS)

    def block(self, raw: bytes) -> list[Any] | None:
        return text_or_talk_rows(raw, _clean, _clean_talk)

    def look(self, row: dict[str, Any], look: Look) -> None:
        prompt = look_side(row, "prompt", look)
        completion = look_side(row, "completion", look)
        if prompt and completion and prompt != completion:
            said = f"The prompt is {_A[prompt]} and the completion {_A[completion]}; write both the same way."
            look.say("mixed_shapes", said, "completion", _A[completion])
        look_tools(row, look)
        look.extras(row, self.keys)

    def convert(self, row: dict[str, Any]) -> Converted:
        prompt, places = messages_of(row["prompt"], "user", "prompt")
        completion, more = messages_of(row["completion"], "assistant", "completion")
        chat = Metadata.of(row, self.keys).put({"messages": [*map(_unlearned, prompt), *completion]} | chat_tools(row))
        return Converted(chat, places + more, rename=None if isinstance(row["prompt"], list) else {})


def _clean(row: dict[str, Any]) -> bool:
    return visible(row.get("prompt")) and visible(row.get("completion")) and row.keys() <= PLAIN_KEYS


def _clean_talk(row: dict[str, Any]) -> bool:
    prompt, completion = row.get("prompt"), row.get("completion")
    if type(prompt) is not list or type(completion) is not list or not prompt or not completion:
        return False
    return clean_messages(prompt + completion) and row.keys() <= PLAIN_KEYS


_A = {"text": "a text", "messages": "a list of messages"}


def look_side(row: dict[str, Any], name: str, look: Look) -> str:
    """ "text" or "messages"; "" when it is neither, which is said."""
    if not look.has(row, name):
        return ""
    value = row[name]
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        if value:
            return "messages"
        look.say("empty_messages", f"'{name}' is an empty list.", name, "[]")
    elif look.readable(value):
        said = f"'{name}' is a text or a list of messages; this is {kind(value)}."
        look.say("content_not_text", said, name, kind(value))
    return ""


def messages_of(side: Any, role: str, name: str) -> tuple[list[Any], list[str]]:
    """The messages of a side and where they stand."""
    if isinstance(side, str):
        return [{"role": role, "content": side}], [name]
    return side, [f"{name}[{i}]" for i in range(len(side))]


def _unlearned(message: Any) -> Any:
    if isinstance(message, dict) and message.get("role") == "assistant":
        return {"weight": 0} | message
    return message


class PlainText:
    name = "trl-text"
    title = "plain text"
    kind: Kind = "text"

    def matches(self, row: dict[str, Any]) -> bool:
        return "text" in row and row.keys() - {"text"} <= TEXT_BESIDE

    def block(self, raw: bytes) -> list[Any] | None:
        return flat_rows(raw, _clean_text)

    def plain(self, row: Any) -> dict[str, Any]:
        return row

    def view(self, row: Any) -> View:
        return View("", row["text"], ())

    def chat(self, row: Any) -> dict[str, Any] | None:
        return None

    def inspect(self, row: Any) -> Iterator[Problem]:
        look = Look()
        if look.row(row):
            if look.needs_text(row, "text") and not row["text"].strip():
                look.say("empty_content", "The text has no visible character.", "text", "no visible character")
            look.extras(row, TEXT_BESIDE | {"text"})
        return look.report()


def _clean_text(row: dict[str, Any]) -> bool:
    return visible(row.get("text")) and row.keys() - {"text"} <= TEXT_BESIDE
