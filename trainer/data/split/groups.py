"""What keeps rows together in a split: the same prompt, the same conversation, or a key of the user's own."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

from trainer.data.canonical import canonical
from trainer.data.findings import quote
from trainer.data.formats import Format, load_format
from trainer.data.formats.openai_chat import text_of
from trainer.data.split.shapes import shaped, talk
from trainer.data.view import View
from trainer.errors import BadInput

CONVERSATION_IDS = ("conversation_id", "conversation", "thread_id", "thread_ts", "session_id", "chat_id")
KEY = "key:"


class Entry(NamedTuple):
    """A row in the ways in which it can be grouped: as it stands, as a part of the split holds it, as the conversation
    that it is or tells of (None where there is none), as text."""

    plain: dict[str, Any]
    written: dict[str, Any]
    chat: dict[str, Any] | None
    view: View

    @classmethod
    def of(cls, format: Format, row: Any, view: View) -> Entry:
        written = shaped(format, row)
        if format.kind == "chat":
            return cls(written if format.name == "openai-chat" else format.plain(row), written, written, view)
        chat = talk(written)
        return cls(format.plain(row), written, chat, load_format("openai-chat").view(chat) if chat else view)

    @property
    def prompt(self) -> str:
        if "messages" in self.written:
            return prompt_key(self.written)
        if self.chat is not None and "prompt" in self.written:
            return prompt_key({"messages": [*self.written["prompt"], {}]})
        return _plainly(self.view.prompt or self.view.answer)


def prompt_key(row: dict[str, Any]) -> str:
    """Everything before the last answer, without regard to case, white space and Unicode form."""
    said = (f"{text_of(m)} {_calls(m)}" for m in row["messages"][:-1])
    return "\x1f".join(map(_plainly, said))


def _plainly(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _calls(message: dict[str, Any]) -> str:
    calls = message.get("tool_calls") or message.get("function_call")
    return canonical(calls).decode() if calls else ""


def conversation_key(entry: Entry) -> str:
    """The conversation's id where the metadata has one, else the first thing that the user said."""
    metadata = (entry.plain.get("metadata") or {}) if isinstance(entry.plain, dict) else {}
    for name in CONVERSATION_IDS if isinstance(metadata, dict) else ():
        if metadata.get(name):
            return f"{name}\x1f{metadata[name]}"
    for message in entry.chat["messages"] if entry.chat else ():
        if message["role"] == "user":
            return f"user\x1f{_plainly(text_of(message))}"
    return entry.prompt


def at_path(row: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none: `metadata.customer`."""
    for name in path.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def named_key(entry: Entry, path: str) -> str | None:
    """The value at a path as text, None where the row has none."""
    found = at_path(entry.plain, path)
    if found is None and entry.chat is not None:
        found = at_path(entry.chat, path)
    if found is None:
        return None
    return found if isinstance(found, str) else canonical(found).decode()


def grouping(group: str) -> Callable[[Entry], str | None]:
    """The key of a row by the name of the way; None for a row that lacks it. Raises BadInput for other names."""
    if group == "prompt":
        return lambda entry: entry.prompt
    if group == "conversation":
        return conversation_key
    if path := _path(group):
        return lambda entry: named_key(entry, path)
    known = "prompt, conversation, or key:<path> such as key:metadata.customer"
    raise BadInput(f"Rows cannot be grouped by {quote(group)}.", fix=f"Known: {known}.", param="group")


def labelling(stratify: str | None) -> Callable[[Entry], str | None] | None:
    """The label of a row by the name of the way, as `grouping`."""
    if stratify is None:
        return None
    if stratify == "answer":
        return lambda entry: _plainly(entry.view.answer)
    if path := _path(stratify):
        return lambda entry: named_key(entry, path)
    known = "answer, or key:<path> such as key:metadata.topic"
    raise BadInput(f"Rows cannot be stratified by {quote(stratify)}.", fix=f"Known: {known}.", param="stratify")


def _path(name: str) -> str:
    return name.removeprefix(KEY).strip() if name.startswith(KEY) else ""
