"""A row's own words: its turns without the system message that every row shares."""

from __future__ import annotations

from typing import Any

from trainer.data.formats import Format
from trainer.data.formats.openai_chat import text_of
from trainer.data.view import View

_ABOVE = frozenset({"system", "developer"})


def own_text(format: Format, row: Any, view: View) -> str:
    """Prompt and answer, without a system or developer message at the head."""
    return f"{own_prompt(format, row, view)}\n{view.answer}"


def own_prompt(format: Format, row: Any, view: View) -> str:
    """Everything before the last answer, without a system or developer message at the head."""
    if not view.roles or view.roles[0] not in _ABOVE:
        return view.prompt
    head = _head(format, row)
    return view.prompt[len(head) + 1 :] if head and view.prompt.startswith(head) else view.prompt


def _head(format: Format, row: Any) -> str:
    messages = getattr(row, "messages", None)
    if messages:
        content = messages[0].content
        return content if isinstance(content, str) else ""
    chat = format.chat(row)
    return text_of(chat["messages"][0]) if chat else ""
