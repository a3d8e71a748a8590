"""Tools in OpenAI chat rows: their declarations, the calls, and the results that answer the calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trainer.data.findings import Problem, kind, quote
from trainer.data.parse import Unreadable


def inspect_tools(row: dict[str, Any]) -> Iterator[Problem]:
    """The row's own tool keys."""
    if "functions" in row:
        yield Problem("legacy_functions", "'functions' is the old way; 'tools' replaced it.", "functions")
    parallel = row.get("parallel_tool_calls", True)
    if not isinstance(parallel, (bool, Unreadable)):
        said = f"'parallel_tool_calls' is true or false; this is {kind(parallel)}."
        yield Problem("bad_parallel_tool_calls", said, "parallel_tool_calls")
    tools = row.get("tools", [])
    if isinstance(tools, list):
        for i, tool in enumerate(tools):
            if not declared_name(tool) and not isinstance(tool, Unreadable):
                said = 'A tool is {"type": "function", "function": {"name": …}}.'
                yield Problem("bad_tools", said, f"tools[{i}]")
    elif not isinstance(tools, Unreadable):
        yield Problem("bad_tools", f"'tools' is a list; this is {kind(tools)}.", "tools")


def declared_name(tool: Any) -> str:
    """The function name of a tool or of a call, "" when it has none."""
    function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def inspect_turns(row: dict[str, Any]) -> Iterator[Problem]:
    """Calls and results in order. A call in the last message needs no result: it is the answer to learn."""
    tools = row.get("tools")
    known = {declared_name(t) for t in tools} if isinstance(tools, list) else None
    waiting: dict[str, str] = {}
    for i, message in enumerate(row["messages"]):
        if not isinstance(message, dict):
            continue
        path = f"messages[{i}]"
        if message.get("role") == "tool":
            yield from _result(message, waiting, path)
            continue
        yield from _unanswered(waiting)
        yield from _calls(message, waiting, known, path)
        yield from _legacy(message, path)
    if isinstance(row["messages"][-1], dict) and row["messages"][-1].get("role") == "tool":
        yield from _unanswered(waiting)


def _unanswered(waiting: dict[str, str]) -> Iterator[Problem]:
    for where in waiting.values():
        yield Problem("call_without_result", "This call gets no result before the talk goes on.", where)
    waiting.clear()


def _result(message: dict[str, Any], waiting: dict[str, str], path: str) -> Iterator[Problem]:
    answered = message.get("tool_call_id")
    if isinstance(answered, str) and waiting.pop(answered, None):
        return
    if not isinstance(answered, Unreadable):
        found = "none" if answered is None else quote(answered, 24)
        yield Problem("tool_without_call", f"No open call has this tool_call_id ({found}).", path)


def _calls(message: dict[str, Any], waiting: dict[str, str], known: set[str] | None, path: str) -> Iterator[Problem]:
    calls = message.get("tool_calls")
    if calls is None or isinstance(calls, Unreadable):
        return
    if message.get("role") != "assistant":
        yield Problem("bad_tool_call", "Only an assistant message calls tools.", path)
    elif not isinstance(calls, list) or not calls:
        yield Problem("bad_tool_call", "'tool_calls' is a list of at least one call.", path)
    else:
        for i, call in enumerate(calls):
            yield from _call(call, waiting, known, f"{path}.tool_calls[{i}]")


def _call(call: Any, waiting: dict[str, str], known: set[str] | None, path: str) -> Iterator[Problem]:
    if isinstance(call, Unreadable):
        return
    name, call_id = declared_name(call), call.get("id") if isinstance(call, dict) else None
    if not isinstance(call_id, (str, Unreadable)) or call_id == "" or not name:
        said = 'A call is {"id": …, "type": "function", "function": {"name": …, "arguments": "…"}}.'
        yield Problem("bad_tool_call", said, path)
    if isinstance(call_id, str):
        if call_id in waiting:
            yield Problem("bad_tool_call", "Two open calls have the same id.", path)
        waiting[call_id] = path
    if not name:
        return
    yield from _arguments(call["function"], f"{path}.function.arguments")
    if known is not None and name not in known:
        yield Problem("unknown_tool", f"'tools' does not list the function {quote(name)}.", path)


def _arguments(function: dict[str, Any], path: str) -> Iterator[Problem]:
    arguments = function.get("arguments")
    if isinstance(arguments, Unreadable):
        return
    if not isinstance(arguments, str):
        said = f"Arguments are JSON in a text; this is {kind(arguments)}."
        yield Problem("tool_arguments_not_text", said, path)
        return
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        yield Problem("tool_arguments_not_json", "The arguments' text is no JSON object.", path)


def _legacy(message: dict[str, Any], path: str) -> Iterator[Problem]:
    call = message.get("function_call")
    if message.get("role") == "function":
        yield Problem("legacy_functions", "The role 'function' is the old way; 'tool' replaced it.", path)
    if call is None or isinstance(call, Unreadable):
        return
    yield Problem("legacy_functions", "'function_call' is the old way; 'tool_calls' replaced it.", path)
    if isinstance(call, dict) and isinstance(call.get("name"), str):
        yield from _arguments(call, f"{path}.function_call.arguments")
    else:
        yield Problem("bad_tool_call", "'function_call' needs a name and arguments.", path)
