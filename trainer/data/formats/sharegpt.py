"""ShareGPT rows: {"conversations": [{"from": "human", "value": …}, …], "system"?, "tools"?}.

A `function_call` turn holds {"name", "arguments"} as JSON in its text, or a list of them; the turns from
`observation` or `tool` behind it answer its calls in order.
"""

from __future__ import annotations

from typing import Any

from trainer.data.findings import kind, quote
from trainer.data.formats.as_chat import ChatFormat, Converted, Metadata, as_text, chat_tools, from_text, look_tools
from trainer.data.formats.look import QUIET, Look
from trainer.data.formats.quick import clean_talk, turn_rows, visible

KEYS = frozenset({"conversations", "system", "tools"})
TURN_KEYS = frozenset({"from", "value", "weight"})
PREFERENCE_KEYS = ("chosen", "rejected")
PLAIN_KEYS = frozenset({"conversations", "system"}) | QUIET
ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "system": "system",
    "developer": "developer",
    "function_call": "call",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
    "tool_response": "tool",
}
SPOKEN = {name: role for name, role in ROLES.items() if role in ("user", "assistant", "system")}


class ShareGPT(ChatFormat):
    name = "sharegpt"
    title = "ShareGPT"

    def matches(self, row: dict[str, Any]) -> bool:
        return "conversations" in row

    def block(self, raw: bytes) -> list[Any] | None:
        return turn_rows(raw, _clean)

    def look(self, row: dict[str, Any], look: Look) -> None:
        for key in PREFERENCE_KEYS:
            if key in row:
                said = f"{quote(key)} beside 'conversations' is not read; write prompt, chosen and rejected."
                look.say("unknown_key", said, key, quote(key))
        look.may_text(row, "system")
        look_tools(row, look)
        if look.has(row, "conversations"):
            _look_turns(row["conversations"], look)
        look.extras(row, KEYS | set(PREFERENCE_KEYS))

    def convert(self, row: dict[str, Any]) -> Converted:
        talk = _Talk()
        if row.get("system"):
            talk.say({"role": "system", "content": row["system"]}, "system")
        metadata = Metadata.of(row, KEYS)
        turns = row["conversations"]
        for i, turn in enumerate(turns):
            alone = i + 1 == len(turns) or ROLES[turns[i + 1]["from"]] != "tool"
            talk.turn(turn, f"conversations[{i}]", alone)
            metadata.add(turn, TURN_KEYS, f"conversations[{i}]")
        chat = metadata.put({"messages": talk.messages} | chat_tools(row))
        rename = {"content": "value", "role": "from", "weight": "weight", "tool_calls": "value"}
        return Converted(chat, talk.places, "conversations", rename=rename)


def _clean(row: dict[str, Any]) -> bool:
    system = row.get("system")
    talk = clean_talk(row.get("conversations"), "from", "value", SPOKEN)
    return talk and (not system or visible(system)) and row.keys() <= PLAIN_KEYS


def _look_turns(turns: Any, look: Look) -> None:
    path = "conversations"
    if not look.readable(turns):
        return
    if not isinstance(turns, list):
        look.say("messages_not_a_list", f"'{path}' is a list of turns; this is {kind(turns)}.", path, kind(turns))
    elif not turns:
        look.say("empty_messages", f"'{path}' is an empty list.", path, "[]")
    else:
        for i, turn in enumerate(turns):
            _look_turn(turn, f"{path}[{i}]", look)


def _look_turn(turn: Any, path: str, look: Look) -> None:
    if not isinstance(turn, dict):
        if look.readable(turn):
            look.say("message_not_an_object", f"A turn is an object; this is {kind(turn)}.", path, kind(turn))
        return
    role = turn.get("from")
    if "from" not in turn:
        look.say("missing_role", "This turn has no 'from'.", path, "no 'from'")
    elif look.readable(role) and not (isinstance(role, str) and role in ROLES):
        said = f"The speaker {quote(role, 24)} is unknown; use human, gpt, system, function_call or observation."
        look.say("unknown_role", said, f"{path}.from", quote(role, 24))
    if "value" not in turn:
        look.say("missing_content", "This turn has no 'value'.", path, "no 'value'")
    elif look.text(turn["value"], "The value", f"{path}.value") and role == "function_call":
        _look_call(turn["value"], f"{path}.value", look)
    look.readable(turn.get("weight"))
    look.extras(turn, TURN_KEYS, path)


def _look_call(text: str, path: str, look: Look) -> None:
    if _calls(text) is None:
        said = 'A function call is {"name": …, "arguments": {…}} as JSON in a text, or a list of them.'
        look.say("bad_tool_call", said, path, "another text")


def _calls(text: str) -> list[dict[str, Any]] | None:
    """The calls in a text, None where there are none or another thing stands among them."""
    value = from_text(text)
    calls = value if isinstance(value, list) else [value]
    return calls if calls and all(map(_is_call, calls)) else None


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("name"), str) and call.keys() <= {"name", "arguments", "id"}


class _Talk:
    """Turns become messages; calls wait for the turns that answer them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.places: list[str] = []
        self.waiting: list[str] = []
        self.calls = 0

    def say(self, message: dict[str, Any], place: str) -> None:
        self.messages.append(message)
        self.places.append(place)

    def turn(self, turn: dict[str, Any], place: str, alone: bool) -> None:
        """`alone`: no other turn from a tool follows at once."""
        role, text = ROLES[turn["from"]], turn["value"]
        weight = {"weight": turn["weight"]} if turn.get("weight") is not None else {}
        if role == "call":
            calls = [self._call(call) for call in _calls(text) or ()]
            self.waiting = [call["id"] for call in calls]
            self.say({"role": "assistant", "content": None, "tool_calls": calls, **weight}, place)
        elif role == "tool":
            for result in self._results(text, alone):
                self.say({"role": "tool", **self._answered(), "content": result, **weight}, place)
        else:
            self.say({"role": role, "content": text, **weight}, place)

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        given = call.get("id")
        function = {"name": call["name"], "arguments": as_text(call.get("arguments", {}))}
        return {"id": given if given else f"call_{self.calls}", "type": "function", "function": function}

    def _results(self, text: str, alone: bool) -> list[str]:
        """One turn may hold the results of all calls that wait, in a list of their number."""
        several = from_text(text) if alone and len(self.waiting) > 1 else None
        if isinstance(several, list) and len(several) == len(self.waiting):
            return [as_text(result) for result in several]
        return [text]

    def _answered(self) -> dict[str, str]:
        return {"tool_call_id": self.waiting.pop(0)} if self.waiting else {}
