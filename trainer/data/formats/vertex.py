"""Vertex AI rows: {"contents": [{"role": "user" or "model", "parts": [{"text": …}, …]}, …], "systemInstruction"?, …}.

The model's `functionCall` parts become tool calls and `functionResponse` parts their results, answered by id or,
without ids, by name in order. Keys are read in camelCase and in snake_case.
"""

from __future__ import annotations

from typing import Any

from trainer.data.findings import kind, quote
from trainer.data.formats.as_chat import ChatFormat, Converted, Metadata, as_text
from trainer.data.formats.look import Look

KEYS = frozenset({"contents", "systemInstruction", "system_instruction", "tools"})
CONTENT_KEYS = frozenset({"role", "parts"})
PART_KEYS = frozenset({"text", "functionCall", "function_call", "functionResponse", "function_response"})
ROLES = {"user": "user", "model": "assistant", "function": "user", "tool": "user"}


class Vertex(ChatFormat):
    name = "vertex"
    title = "Vertex AI contents"

    def matches(self, row: dict[str, Any]) -> bool:
        return "contents" in row

    def look(self, row: dict[str, Any], look: Look) -> None:
        _look_system(row, look)
        _look_tools(row.get("tools"), look)
        if look.has(row, "contents"):
            _look_contents(row["contents"], look)
        look.extras(row, KEYS)

    def convert(self, row: dict[str, Any]) -> Converted:
        talk = _Talk(Metadata.of(row, KEYS))
        system = either(row, "systemInstruction", "system_instruction")
        if system is not None:
            parts = _system_parts(system)
            if parts:
                talk.say({"role": "system", "content": _content(parts)}, "systemInstruction")
        for i, content in enumerate(row["contents"]):
            talk.content(content, f"contents[{i}]")
        chat = talk.metadata.put({"messages": talk.messages} | _chat_tools(row.get("tools")))
        return Converted(chat, talk.places, "contents", rename={"role": "role"})


def either(value: dict[str, Any], camel: str, snake: str) -> Any:
    """The value under one of two spellings, None without."""
    return value[camel] if camel in value else value.get(snake)


def _look_system(row: dict[str, Any], look: Look) -> None:
    system = either(row, "systemInstruction", "system_instruction")
    if system is None or isinstance(system, str) or not look.readable(system):
        return
    if not isinstance(system, dict) or not isinstance(system.get("parts"), list):
        said = '\'systemInstruction\' is {"parts": [{"text": …}]}.'
        look.say("content_not_text", said, "systemInstruction", kind(system))
        return
    for i, part in enumerate(system["parts"]):
        text = part.get("text") if isinstance(part, dict) and part.keys() == {"text"} else part
        if (text is part or not isinstance(text, str)) and look.readable(text):
            said = "A part of the system instruction is a text and nothing else."
            look.say("content_not_text", said, f"systemInstruction.parts[{i}]", kind(part))


def _system_parts(system: Any) -> list[dict[str, Any]]:
    return [{"text": system}] if isinstance(system, str) else system["parts"]


def _look_tools(tools: Any, look: Look) -> None:
    if tools is None or not look.readable(tools):
        return
    for i, tool in enumerate(tools if isinstance(tools, list) else [tools]):
        declared = either(tool, "functionDeclarations", "function_declarations") if isinstance(tool, dict) else None
        fine = isinstance(declared, list) and all(isinstance(d, dict) for d in declared) and len(tool) == 1
        if not fine and look.readable(tool):
            said = 'A tool is {"functionDeclarations": [{"name": …}, …]}; others are not trained on.'
            look.say("bad_tools", said, f"tools[{i}]", kind(tool))


def _chat_tools(tools: Any) -> dict[str, Any]:
    if tools is None:
        return {}
    declared = [
        d
        for tool in (tools if isinstance(tools, list) else [tools])
        for d in either(tool, "functionDeclarations", "function_declarations")
    ]
    return {"tools": [{"type": "function", "function": function} for function in declared]}


def _look_contents(contents: Any, look: Look) -> None:
    if not look.readable(contents):
        return
    if not isinstance(contents, list):
        said = f"'contents' is a list of contents; this is {kind(contents)}."
        look.say("messages_not_a_list", said, "contents", kind(contents))
    elif not contents:
        look.say("empty_messages", "'contents' is an empty list.", "contents", "[]")
    else:
        for i, content in enumerate(contents):
            _look_content(content, f"contents[{i}]", look)


def _look_content(content: Any, path: str, look: Look) -> None:
    if not isinstance(content, dict):
        if look.readable(content):
            look.say("message_not_an_object", f"A content is an object; this is {kind(content)}.", path, kind(content))
        return
    role, parts = content.get("role"), content.get("parts")
    if "role" not in content:
        look.say("missing_role", "This content has no 'role'.", path, "no 'role'")
    elif look.readable(role) and not (isinstance(role, str) and role in ROLES):
        said = f"The role {quote(role, 24)} is unknown; use user or model."
        look.say("unknown_role", said, f"{path}.role", quote(role, 24))
    if "parts" not in content or parts == []:
        look.say("missing_content", "This content has no 'parts'.", path, "no parts")
    elif not isinstance(parts, list):
        if look.readable(parts):
            look.say("content_not_text", f"'parts' is a list; this is {kind(parts)}.", f"{path}.parts", kind(parts))
    else:
        for i, part in enumerate(parts):
            _look_part(part, role, f"{path}.parts[{i}]", look)
    look.extras(content, CONTENT_KEYS, path)


def _look_part(part: Any, role: Any, path: str, look: Look) -> None:
    if not isinstance(part, dict):
        if look.readable(part):
            look.say("content_not_text", f"A part is an object; this is {kind(part)}.", path, kind(part))
        return
    held = sorted(part.keys() & PART_KEYS)
    if len(held) != 1 or part.get("thought"):
        found = ", ".join(quote(key, 24) for key in list(part)[:3]) or "nothing"
        said = f"Only one text, function call or function response can be trained on in a part; found {found}."
        look.say("content_not_text", said, path, found)
    elif held == ["text"]:
        look.text(part["text"], "The text", f"{path}.text")
    elif held[0] in ("functionCall", "function_call"):
        _look_call(part[held[0]], role, f"{path}.{held[0]}", look)
    else:
        _look_response(part[held[0]], role, f"{path}.{held[0]}", look)
    look.extras(part, PART_KEYS, path)


def _look_call(call: Any, role: Any, path: str, look: Look) -> None:
    if not look.readable(call):
        return
    if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not call.keys() <= {"name", "args", "id"}:
        look.say("bad_tool_call", 'A function call is {"name": …, "args": {…}}.', path, kind(call))
    elif not isinstance(call.get("args", {}), dict):
        if look.readable(call["args"]):
            said = f"The arguments are an object; this is {kind(call['args'])}."
            look.say("tool_arguments_not_json", said, f"{path}.args", kind(call["args"]))
    elif not isinstance(call.get("id", ""), str):
        look.say("bad_tool_call", "The id of a function call is a text.", f"{path}.id", kind(call["id"]))
    elif role != "model":
        look.say("bad_tool_call", "Only the model calls functions.", path, quote(role, 24))


def _look_response(response: Any, role: Any, path: str, look: Look) -> None:
    if not look.readable(response):
        return
    named = isinstance(response, dict) and isinstance(response.get("name"), str) and "response" in response
    if not named or not response.keys() <= {"name", "response", "id"} or not isinstance(response.get("id", ""), str):
        said = 'A function response is {"name": …, "response": {…}}.'
        look.say("tool_without_call", said, path, kind(response))
    elif role == "model":
        look.say("tool_without_call", "The model does not answer its own calls.", path, "'model'")
    else:
        look.readable(response["response"])


def _content(parts: list[dict[str, Any]]) -> Any:
    """One text as a text, several as text parts."""
    if len(parts) == 1:
        return parts[0]["text"]
    return [{"type": "text", "text": part["text"]} for part in parts]


def response_text(response: Any) -> str:
    """The result as text; {"output": text} is how a plain text is written."""
    if isinstance(response, dict) and response.keys() == {"output"} and isinstance(response["output"], str):
        return response["output"]
    return as_text(response)


class _Talk:
    """Contents become messages; calls wait for the responses to them."""

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self.messages: list[dict[str, Any]] = []
        self.places: list[str] = []
        self.waiting: list[tuple[str, str]] = []  # (name, id)
        self.calls = 0

    def say(self, message: dict[str, Any], place: str) -> None:
        self.messages.append(message)
        self.places.append(place)

    def content(self, content: dict[str, Any], place: str) -> None:
        self.metadata.add(content, CONTENT_KEYS, place)
        texts: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        for i, part in enumerate(content["parts"]):
            self.metadata.add(part, PART_KEYS, f"{place}.parts[{i}]")
            call = either(part, "functionCall", "function_call")
            response = either(part, "functionResponse", "function_response")
            if call is not None:
                calls.append(self._call(call))
            elif response is not None:
                answer = {"role": "tool", "tool_call_id": self._answered(response)}
                self.say(answer | {"content": response_text(response["response"])}, f"{place}.parts[{i}]")
            else:
                texts.append(part)
        self._spoken(ROLES[content["role"]], texts, calls, place)

    def _spoken(self, role: str, texts: list[dict[str, Any]], calls: list[dict[str, Any]], place: str) -> None:
        said = _content(texts) if texts else None
        if calls:
            self.waiting = [(call["function"]["name"], call["id"]) for call in calls]
            self.say({"role": role, "content": said, "tool_calls": calls}, place)
        elif texts:
            self.say({"role": role, "content": said}, place)

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        function = {"name": call["name"], "arguments": as_text(call.get("args", {}))}
        return {"id": call.get("id") or f"call_{self.calls}", "type": "function", "function": function}

    def _answered(self, response: dict[str, Any]) -> str:
        for name, call_id in self.waiting:
            if response["id"] == call_id if response.get("id") else response["name"] == name:
                self.waiting.remove((name, call_id))
                return call_id
        return response.get("id") or ""
