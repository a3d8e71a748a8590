"""OpenAI chat rows: {"messages": [{"role", "content", …}, …], "tools"?, "parallel_tool_calls"?, "metadata"?}.

`block` answers for clean rows at parser speed (`typed_chat`); `inspect` walks everything else and names each
fault. A test holds them together: whatever `block` accepts, `inspect` has nothing to say about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from trainer.data.canonical import canonical
from trainer.data.findings import Problem, kind, quote
from trainer.data.formats import Kind, typed_chat
from trainer.data.formats.tool_calls import inspect_tools, inspect_turns
from trainer.data.parse import PROBLEMS_PER_ROW, Unreadable
from trainer.data.view import View

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
ROW_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions", "metadata"})
MESSAGE_KEYS = frozenset({"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call"})


_USUAL = ("system", "user", "assistant")
_new = tuple.__new__  # a View at half the price


class OpenAIChat:
    """The lingua franca of chat fine-tuning."""

    name = "openai-chat"
    title = "OpenAI chat"
    kind: Kind = "chat"

    def matches(self, row: dict[str, Any]) -> bool:
        return "messages" in row

    def block(self, raw: bytes) -> list[Any] | None:
        return typed_chat.decode(raw)

    def plain(self, row: Any) -> dict[str, Any]:
        if type(row) is typed_chat.Row:
            return msgspec.to_builtins(row)
        return row if type(row) is dict else msgspec.json.decode(canonical(row))

    def view(self, row: Any) -> View:
        if type(row) is typed_chat.Row:
            messages = row.messages
            if len(messages) == 3:  # the usual: system, user, assistant
                one, two, last = messages
                roles = _USUAL if one.role == "system" and two.role == "user" else (one.role, two.role, last.role)
                return _new(View, (f"{one.content}\n{two.content}", last.content, roles))
            *before, last = messages
            prompt = "\n".join([m.content for m in before])
            return View(prompt, last.content, tuple([m.role for m in messages]))
        messages = self.plain(row)["messages"]
        prompt = "\n".join(filter(None, map(_said, messages[:-1])))
        return View(prompt, _said(messages[-1]), tuple(m["role"] for m in messages))

    def chat(self, row: Any) -> dict[str, Any]:
        return self.plain(row)

    def inspect(self, row: Any) -> Iterator[Problem]:
        if not isinstance(row, dict):
            yield _not_an_object(row)
        elif "messages" not in row:
            yield _missing_messages(row)
        else:
            yield from _limited(_row(row))


def _said(message: dict[str, Any]) -> str:
    """A message's text, or its calls where it has none."""
    calls = message.get("tool_calls") or message.get("function_call")
    said = text_of(message)
    return f"{said}\n{canonical(calls).decode()}".strip() if calls else said


def text_of(message: dict[str, Any]) -> str:
    """The text of an accepted message; its parts joined, "" when it only calls tools."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part["text"] for part in content)
    return content or ""


def _not_an_object(row: Any) -> Problem:
    if isinstance(row, str) and row.lstrip().startswith("{"):
        return Problem("not_an_object", "The row is a text that holds JSON: encoded twice. Decode it once.")
    return Problem("not_an_object", f"A row is a JSON object; this is {kind(row)}.")


def _missing_messages(row: dict[str, Any]) -> Problem:
    found = ", ".join(quote(key, 24) for key in list(row)[:4]) or "no key at all"
    more = ", …" if len(row) > 4 else ""
    return Problem("missing_messages", f"The row has no 'messages'; found {found}{more}.")


def _limited(problems: Iterator[Problem]) -> Iterator[Problem]:
    for count, problem in enumerate(problems):
        if count == PROBLEMS_PER_ROW:
            yield Problem("more_in_row", f"More findings follow in this row; the first {count} are listed.")
            return
        yield problem


def _row(row: dict[str, Any]) -> Iterator[Problem]:
    for key in row:
        if key not in ROW_KEYS:
            yield Problem("unknown_key", f"A row has no key {quote(key)}; remove it or use 'metadata'.")
    yield from _metadata(row)
    yield from inspect_tools(row)
    messages = row["messages"]
    if isinstance(messages, Unreadable):
        return
    if not isinstance(messages, list):
        said = "a text that holds JSON: decode it" if isinstance(messages, str) else kind(messages)
        yield Problem("messages_not_a_list", f"'messages' is a list of messages; this is {said}.", "messages")
    elif not messages:
        yield Problem("empty_messages", "'messages' is an empty list.", "messages")
    else:
        yield from _messages(messages)
        yield from inspect_turns(row)


def _metadata(row: dict[str, Any]) -> Iterator[Problem]:
    metadata = row.get("metadata", {})
    if isinstance(metadata, Unreadable):
        return
    if not isinstance(metadata, dict):
        said = f"'metadata' is an object of texts; this is {kind(metadata)}."
        yield Problem("bad_metadata", said, "metadata")
        return
    for key, value in metadata.items():
        if not isinstance(value, (str, Unreadable)):
            said = f"The metadata value of {quote(key, 24)} is {kind(value)}; write it as a text."
            yield Problem("bad_metadata", said, "metadata")


def _messages(messages: list[Any]) -> Iterator[Problem]:
    for i, message in enumerate(messages):
        path = f"messages[{i}]"
        if isinstance(message, dict):
            yield from _message(message, path)
        elif not isinstance(message, Unreadable):
            yield Problem("message_not_an_object", f"A message is an object; this is {kind(message)}.", path)
    roles = [m.get("role") for m in messages if isinstance(m, dict)]
    if len(roles) == len(messages):
        yield from _turns(messages, roles)


def _turns(messages: list[Any], roles: list[Any]) -> Iterator[Problem]:
    if any(not isinstance(role, str) or role not in ROLES for role in roles):
        return  # already said; what the others lack may stand there under a wrong name
    if "assistant" not in roles:
        yield Problem("no_assistant", "There is no assistant message: nothing to learn.", "messages")
        return
    if roles[-1] != "assistant":
        said = f"The last message is {quote(roles[-1], 12)}'s; a row ends with the assistant's answer."
        yield Problem("last_not_assistant", said, f"messages[{len(messages) - 1}]")
    if "user" not in roles:
        yield Problem("no_user", "There is no user message.", "messages")
    weights = [m.get("weight") for m in messages if m["role"] == "assistant"]
    if all(type(w) is int and w == 0 for w in weights):
        yield Problem("nothing_to_learn", "Every assistant message has weight 0.", "messages")


def _message(message: dict[str, Any], path: str) -> Iterator[Problem]:
    for key in message:
        if key not in MESSAGE_KEYS:
            yield Problem("unknown_key", f"A message has no key {quote(key)}; remove it.", path)
    role = message.get("role")
    if "role" not in message:
        yield Problem("missing_role", "This message has no 'role'.", path)
    elif not isinstance(role, Unreadable) and (not isinstance(role, str) or role not in ROLES):
        said = f"The role {quote(role, 24)} is unknown; use system, developer, user, assistant or tool."
        yield Problem("unknown_role", said, f"{path}.role")
    yield from _content(message, path)
    if "name" in message and not isinstance(message["name"], (str, Unreadable)):
        yield Problem("bad_name", f"'name' is a text; this is {kind(message['name'])}.", f"{path}.name")
    if "weight" in message:
        yield from _weight(message, f"{path}.weight")


def _weight(message: dict[str, Any], path: str) -> Iterator[Problem]:
    weight = message["weight"]
    if isinstance(weight, Unreadable):
        return
    if type(weight) is not int or weight not in (0, 1):
        shown = str(weight) if type(weight) in (int, float) and len(str(weight)) < 12 else kind(weight)
        yield Problem("bad_weight", f"A weight is the integer 0 or 1; this is {shown}.", path)
    elif message.get("role") != "assistant" and message.get("role") in ROLES:
        yield Problem("bad_weight", "Only an assistant message has a weight.", path)


def _content(message: dict[str, Any], path: str) -> Iterator[Problem]:
    calls = message.get("role") == "assistant" and (message.get("tool_calls") or message.get("function_call"))
    content = message.get("content")
    if content is None:
        if not calls:
            said = "This message has no 'content'." if "content" not in message else "The content is null."
            yield Problem("missing_content", said, path)
    elif isinstance(content, str):
        yield from _visible(content, message, calls, f"{path}.content")
    elif isinstance(content, list):
        yield from _parts(content, f"{path}.content")
    elif not isinstance(content, Unreadable):
        said = f"The content is {kind(content)}; write it as a text."
        yield Problem("content_not_text", said, f"{path}.content")


def _visible(content: str, message: dict[str, Any], calls: object, path: str) -> Iterator[Problem]:
    if content and not content.isspace():
        return
    if message.get("role") in ("tool", "function"):
        yield Problem("empty_tool_result", "The tool's result is empty.", path)
    elif not calls:
        yield Problem("empty_content", "The content has no visible character.", path)


def _parts(parts: list[Any], path: str) -> Iterator[Problem]:
    if not parts:
        yield Problem("empty_content", "The content is an empty list.", path)
    for i, part in enumerate(parts):
        if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
            if not part["text"].strip() and len(parts) == 1:
                yield Problem("empty_content", "The content has no visible character.", f"{path}[{i}]")
            for key in part.keys() - {"type", "text"}:
                said = f"A text part has no key {quote(key)}; remove it."
                yield Problem("unknown_key", said, f"{path}[{i}]")
        elif not isinstance(part, Unreadable):
            found = quote(part["type"], 24) if isinstance(part, dict) and "type" in part else kind(part)
            said = f"Only parts of type 'text' can be trained on; this is {found}."
            yield Problem("content_not_text", said, f"{path}[{i}]")
