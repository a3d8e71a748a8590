"""Fixes of rows: a value in, the mended value out, or UNTOUCHED. A row is changed in place; it is nobody else's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from trainer.data.formats import load_format
from trainer.data.formats.openai_chat import MESSAGE_KEYS, ROW_KEYS
from trainer.data.parse import Unreadable, parse

UNTOUCHED = object()
AS_TEXT = ("messages", "conversations", "contents", "tools")
TALKS = ("messages", "conversations", "contents", "prompt", "completion", "chosen", "rejected", "input")
SPACE = " \t\r\n"
_HALF = re.compile("[\ud800-\udfff]")


def decoded_twice(value: Any) -> Any:
    """A text that holds an object becomes the object; encoded three times is undone too."""
    inner = value
    for _ in range(3):
        if not isinstance(inner, str) or inner.lstrip()[:1] not in ("{", '"'):
            break
        inner = _json(inner)
    return inner if isinstance(inner, dict) and inner is not value else UNTOUCHED


def _json(text: str) -> Any:
    """The value of a faultless JSON text, else None."""
    try:
        value, problems = parse(text.encode(), last=False)
    except UnicodeEncodeError:
        return None
    return None if problems or value is ... else value


def no_surrogates(value: Any) -> Any:
    return _in_texts(value, lambda text: not text.isascii() and _HALF.search(text), _whole)


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_nul(value: Any) -> Any:
    return _in_texts(value, lambda text: "\0" in text, lambda text: text.replace("\0", ""))


def _in_texts(value: Any, bad: Callable[[str], Any], mended: Callable[[str], str]) -> Any:
    """Every text of the value mended, keys too; UNTOUCHED when no text is bad, or two keys would become one."""
    touched = False

    def walk(node: Any) -> Any:
        nonlocal touched
        if isinstance(node, str):
            if not bad(node):
                return node
            touched = True
            return mended(node)
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        pairs = {walk(key): walk(item) for key, item in node.items()}
        if len(pairs) < len(node):
            raise KeyError
        return pairs

    try:
        result = walk(value)
    except KeyError:
        return UNTOUCHED
    return result if touched else UNTOUCHED


def nan_to_null(row: Any) -> Any:
    """NaN and Infinity become null, except inside a talk: there a null would be no better."""
    if not isinstance(row, dict):
        return UNTOUCHED
    touched = False

    def walk(node: Any) -> Any:
        nonlocal touched
        if isinstance(node, Unreadable) and node.code == "nan_or_infinity":
            touched = True
            return None
        if isinstance(node, list):
            return [walk(item) for item in node]
        return {key: walk(item) for key, item in node.items()} if isinstance(node, dict) else node

    made = {key: item if key in TALKS else walk(item) for key, item in row.items()}
    return made if touched else UNTOUCHED


def unstringified(row: Any) -> Any:
    """Lists of messages or tools, and single messages, that are a text of JSON."""
    if not isinstance(row, dict):
        return UNTOUCHED
    touched = False
    for key in AS_TEXT:
        held = row.get(key)
        if isinstance(held, str) and held.lstrip().startswith("[") and isinstance(found := _json(held), list):
            row[key] = held = found
            touched = True
        if isinstance(held, list) and any(isinstance(item, str) for item in held):
            items = [_json(item) if isinstance(item, str) else item for item in held]
            if all(isinstance(item, dict) for item in items):
                row[key] = items
                touched = True
    return row if _inner_talk(row) or touched else UNTOUCHED


def _inner_talk(row: dict[str, Any]) -> bool:
    """A single message whose content is the whole talk as a text."""
    messages = row.get("messages")
    if not isinstance(messages, list) or len(messages) != 1 or not isinstance(messages[0], dict):
        return False
    content = messages[0].get("content")
    talk = _json(content) if isinstance(content, str) and content.lstrip().startswith("[") else None
    if isinstance(talk, list) and talk and all(isinstance(m, dict) and {"role", "content"} <= m.keys() for m in talk):
        row["messages"] = talk
        return True
    return False


def messages_of(row: Any) -> Iterator[dict[str, Any]]:
    """The messages of a chat row, as far as they are objects."""
    messages = row.get("messages") if isinstance(row, dict) else None
    if isinstance(messages, list):
        yield from (message for message in messages if isinstance(message, dict))


def whole_weights(row: Any) -> Any:
    touched = False
    for message in messages_of(row):
        weight = message.get("weight")
        if type(weight) in (bool, float, int) and weight in (0, 1):
            if message.get("role") in ("system", "developer", "user", "tool"):
                del message["weight"]  # only answers are learned, so it said nothing
                touched = True
            elif type(weight) is not int:
                message["weight"] = int(weight)
                touched = True
    return row if touched else UNTOUCHED


def no_empty_system(row: Any) -> Any:
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list):
        return UNTOUCHED
    kept = [message for message in messages if not _is_empty_system(message)]
    if len(kept) == len(messages):
        return UNTOUCHED
    row["messages"] = kept
    return row


def _is_empty_system(message: Any) -> bool:
    if not isinstance(message, dict) or message.get("role") not in ("system", "developer"):
        return False
    content = message.get("content", "")
    return content is None or (isinstance(content, str) and not content.strip()) or content == []


def trimmed(row: Any) -> Any:
    """Space around the text of messages; a message of nothing else is left for a person."""
    touched = False
    for message in messages_of(row):
        content = message.get("content")
        if isinstance(content, str) and (shorter := content.strip(SPACE)) and len(shorter) < len(content):
            message["content"] = shorter
            touched = True
    return row if touched else UNTOUCHED


def known_keys(row: Any) -> Any:
    """Without the keys that OpenAI chat does not have; rows of other formats are not looked at."""
    if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
        return UNTOUCHED
    if not any(problem.code == "unknown_key" for problem in load_format("openai-chat").inspect(row)):
        return UNTOUCHED
    made = {key: item for key, item in row.items() if key in ROW_KEYS}
    made["messages"] = [_known(m) if isinstance(m, dict) else m for m in row["messages"]]
    return made


def _known(message: dict[str, Any]) -> dict[str, Any]:
    made = {key: item for key, item in message.items() if key in MESSAGE_KEYS}
    if isinstance(made.get("content"), list):
        made["content"] = [
            {k: v for k, v in part.items() if k in ("type", "text")}
            if isinstance(part, dict) and part.get("type") == "text"
            else part
            for part in made["content"]
        ]
    return made


def modern_tools(row: Any) -> Any:
    """`functions` → `tools`, each `function_call` → a tool call, the function's message → the call's result.

    Only where it is unambiguous: no `tools` beside them, every call with a name and arguments, every result right
    behind the call of the same function."""
    if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
        return UNTOUCHED
    messages = row["messages"]
    old = "functions" in row or any("function_call" in m or m.get("role") == "function" for m in messages_of(row))
    new = "tools" in row or any("tool_calls" in m or m.get("role") == "tool" for m in messages_of(row))
    if not old or new or not all(isinstance(m, dict) for m in messages):
        return UNTOUCHED
    made = _modern_talk(messages)
    functions = row.get("functions", [])
    if made is None or not isinstance(functions, list) or not all(_named(f) for f in functions):
        return UNTOUCHED
    tools = [{"type": "function", "function": function} for function in functions]
    rest = {key: item for key, item in row.items() if key not in ("messages", "functions")}
    return {"messages": made, **({"tools": tools} if tools else {}), **rest}


def _named(function: Any) -> bool:
    return isinstance(function, dict) and isinstance(function.get("name"), str) and bool(function["name"])


def _modern_talk(messages: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    made: list[dict[str, Any]] = []
    open_call: tuple[str, str] | None = None  # its id and its function
    for number, message in enumerate(messages):
        rest = {key: item for key, item in message.items() if key != "function_call"}
        call = message.get("function_call")
        if message.get("role") == "function":
            if open_call is None or message.get("name", open_call[1]) != open_call[1]:
                return None
            made.append({"role": "tool", "tool_call_id": open_call[0], "content": message.get("content")})
            open_call = None
            continue
        if open_call is not None:
            return None
        if call is not None:
            if not _named(call) or not isinstance(call.get("arguments"), str) or message.get("role") != "assistant":
                return None
            open_call = (f"call_{number}", call["name"])
            function = {"name": call["name"], "arguments": call["arguments"]}
            rest["tool_calls"] = [{"id": open_call[0], "type": "function", "function": function}]
        made.append(rest)
    return made
