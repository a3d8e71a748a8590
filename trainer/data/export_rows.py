"""One chat row as another format's row, or the reason why that format cannot carry it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from trainer.data.formats.as_chat import as_text, from_text
from trainer.data.formats.vertex import response_text

Row = dict[str, Any]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MISTRAL_ID = 9  # characters


class Cannot(Exception):
    """The format has no place for something; the text is the reason, a sentence for people."""


def to_chat(row: Row) -> Row:
    return row


def to_mistral(row: Row) -> Row:
    """The ids of tool calls become 9 letters and digits, the same for the same id."""
    ids = _Ids()
    return row | {"messages": [ids.message(message) for message in row["messages"]]}


class _Ids:
    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def message(self, message: Row) -> Row:
        new = dict(message)
        if message.get("tool_calls"):
            new["tool_calls"] = [call | {"id": self._of(call["id"])} for call in message["tool_calls"]]
        if message.get("tool_call_id"):
            new["tool_call_id"] = self._of(message["tool_call_id"])
        return new

    def _of(self, given: str) -> str:
        if given not in self.known:
            salt, new = 0, given
            while not _is_mistral_id(new) or new in self.known.values():
                new, salt = _mistral_id(f"{given}\n{salt}"), salt + 1
            self.known[given] = new
        return self.known[given]


def _is_mistral_id(text: str) -> bool:
    return len(text) == MISTRAL_ID and all(char in ALPHABET for char in text)


def _mistral_id(seed: str) -> str:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    return "".join(ALPHABET[number // len(ALPHABET) ** i % len(ALPHABET)] for i in range(MISTRAL_ID))


def to_prompt_completion(row: Row) -> Row:
    """The completion begins with the first answer that is learnt; TRL learns all of it, and nothing before it."""
    if row.get("parallel_tool_calls") is False:
        raise Cannot("TRL's rows cannot say that tools are called one at a time.")
    messages = row["messages"]
    learnt = [i for i, m in enumerate(messages) if m["role"] == "assistant" and m.get("weight", 1) == 1]
    if not learnt or learnt[-1] != len(messages) - 1:
        raise Cannot("Its last answer is not to be learnt (weight 0); the completion always is.")
    first = learnt[0]
    if learnt != list(range(first, len(messages))):
        raise Cannot("More than its last answer is learnt; prompt and completion can teach the last one only.")
    if not first:
        raise Cannot("There is nothing before its answer: no prompt.")
    rest = {key: row[key] for key in ("tools", "metadata") if row.get(key)}
    prompt = [_without(m, "weight") if m.get("weight") == 0 else m for m in messages[:first]]
    return {"prompt": prompt, "completion": [_without(m, "weight") for m in messages[first:]]} | rest


def _without(message: Row, key: str) -> Row:
    return {name: value for name, value in message.items() if name != key}


def to_alpaca(row: Row) -> Row:
    """One question and its answer; what was said before them is the history."""
    if row.get("tools") or row.get("functions"):
        raise Cannot("Alpaca has no place for tools.")
    system, turns = _system_and_turns(row, "Alpaca")
    for message in turns:
        if message["role"] == "tool" or message.get("tool_calls"):
            raise Cannot("Alpaca has no place for tool calls.")
        _learnt(message, "Alpaca")
    if [m["role"] for m in turns] != ["user", "assistant"] * (len(turns) // 2):
        raise Cannot("Alpaca holds questions and answers in turn; here two of one side follow each other.")
    texts = [message["content"] for message in turns]
    alpaca: Row = {"instruction": texts[-2], "input": "", "output": texts[-1]}
    if system:
        alpaca["system"] = system["content"]
    if len(texts) > 2:
        alpaca["history"] = [[texts[i], texts[i + 1]] for i in range(0, len(texts) - 2, 2)]
    return alpaca | _metadata(row)


def _metadata(row: Row) -> Row:
    return {"metadata": row["metadata"]} if row.get("metadata") else {}


def _system_and_turns(row: Row, title: str) -> tuple[Row | None, list[Row]]:
    """The system message, if the row begins with one, and the rest; refuses what no other format has."""
    if row.get("parallel_tool_calls") is False:
        raise Cannot(f"{title} cannot say that tools are called one at a time.")
    messages = row["messages"]
    if row.get("functions") or any(m["role"] == "function" or m.get("function_call") for m in messages):
        raise Cannot(f"{title} has no place for the old functions; write them as tools.")
    system = messages[0] if messages[0]["role"] == "system" else None
    turns = messages[1:] if system else messages
    for message in messages:
        if message["role"] == "developer" or (message["role"] == "system" and message is not system):
            raise Cannot(f"{title} has one system text at the beginning, and no developer.")
        if "name" in message and message["role"] != "tool":
            raise Cannot(f"{title} has no names for speakers.")
    return system, turns


def _learnt(message: Row, title: str) -> None:
    if message.get("weight") == 0:
        raise Cannot(f"{title} has no weights; it would learn an answer of weight 0.")


def to_sharegpt(row: Row) -> Row:
    """Calls become `function_call` turns; the results of one turn's calls become one `observation`."""
    system, messages = _system_and_turns(row, "ShareGPT")
    _look_order(messages, "ShareGPT", by_name=False)
    turns: list[Row] = []
    while messages:
        if messages[0]["role"] == "tool":
            count = next((i for i, m in enumerate(messages) if m["role"] != "tool"), len(messages))
            turns.append({"from": "observation", "value": _results([m["content"] for m in messages[:count]])})
        else:
            count = 1
            turns.append(_sharegpt_turn(messages[0]))
        messages = messages[count:]
    sides = [turn["from"] in ("human", "observation") for turn in turns]
    if sides != [True, False] * (len(sides) // 2):
        raise Cannot("ShareGPT's sides speak in turn; here two turns of one side follow each other.")
    sharegpt: Row = {"conversations": turns}
    if system:
        sharegpt["system"] = system["content"]
    if row.get("tools"):
        sharegpt["tools"] = as_text([_inner(tool) for tool in row["tools"]])
    return sharegpt | _metadata(row)


def _look_order(messages: list[Row], title: str, *, by_name: bool) -> None:
    """Without ids a result belongs to the first open call, or to the first of its function's name."""
    waiting: dict[str, str] = {}  # id → function
    for message in messages:
        if message["role"] != "tool":
            waiting = {call["id"]: _function(call)["name"] for call in message.get("tool_calls") or ()}
            continue
        answered = message["tool_call_id"]
        same = [call for call, name in waiting.items() if not by_name or name == waiting[answered]]
        if same[0] != answered:
            raise Cannot(f"{title} tells results by the order of their calls; here they stand in another.")
        del waiting[answered]


def _results(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else as_text(texts)


def _sharegpt_turn(message: Row) -> Row:
    weight = {"weight": 0} if message.get("weight") == 0 else {}
    if message["role"] == "user":
        return {"from": "human", "value": message["content"]}
    if not message.get("tool_calls"):
        return {"from": "gpt", "value": message["content"]} | weight
    if message.get("content"):
        raise Cannot("ShareGPT cannot say something and call a tool in one turn.")
    calls = [{"name": _function(c)["name"], "arguments": _arguments(c)} for c in message["tool_calls"]]
    return {"from": "function_call", "value": as_text(calls[0] if len(calls) == 1 else calls)} | weight


def _function(call: Row) -> Row:
    return call["function"]


def _inner(tool: Row) -> Row:
    """A tool without its envelope, where nothing else is in it."""
    return tool["function"] if tool.keys() == {"type", "function"} and "function" not in tool["function"] else tool


def _arguments(call: Row) -> Row:
    """The arguments as an object. Raises Cannot when an object of ours would hold less than their text."""
    try:
        return json.loads(_function(call)["arguments"], object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Cannot("The arguments of a call hold a key twice, or a number that is none.") from None


def _once(pairs: Iterable[tuple[str, Any]]) -> Row:
    listed = list(pairs)
    if len(dict(listed)) < len(listed):
        raise ValueError("a key twice")
    return dict(listed)


def _no_number(name: str) -> Any:
    raise ValueError(name)


def to_vertex(row: Row) -> Row:
    """Contents with parts; the results of one turn's calls stand in one content."""
    system, messages = _system_and_turns(row, "Vertex AI")
    _look_order(messages, "Vertex AI", by_name=True)
    contents: list[Row] = []
    names: dict[str, str] = {}
    before = ""
    for message in messages:
        _learnt(message, "Vertex AI")
        role, calls = message["role"], message.get("tool_calls") or ()
        names |= {call["id"]: _function(call)["name"] for call in calls}
        parts = [_response(message, names)] if role == "tool" else _text_parts(message)
        parts += [{"functionCall": {"name": _function(call)["name"], "args": _arguments(call)}} for call in calls]
        if role == before == "tool":
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": "model" if role == "assistant" else "user", "parts": parts})
        before = role
    vertex: Row = {"systemInstruction": {"parts": _text_parts(system)}} if system else {}
    if row.get("tools"):
        vertex["tools"] = [{"functionDeclarations": [_declared(tool) for tool in row["tools"]]}]
    return vertex | {"contents": contents}


def _text_parts(message: Row) -> list[Row]:
    content = message.get("content")
    if isinstance(content, list):
        return [{"text": part["text"]} for part in content]
    return [{"text": content}] if content else []


def _declared(tool: Row) -> Row:
    if tool.keys() != {"type", "function"}:
        raise Cannot("Vertex AI has no place for what a tool says beside its function.")
    return tool["function"]


def _response(message: Row, names: dict[str, str]) -> Row:
    """A result that is a JSON object stays one, when that loses nothing; any other is {"output": text}."""
    if isinstance(message["content"], list):
        raise Cannot("Vertex AI has one text as a tool's result, no parts.")
    text = message["content"]
    value = from_text(text)
    if not isinstance(value, dict) or response_text(value) != text:
        value = {"output": text}
    return {"functionResponse": {"name": names[message["tool_call_id"]], "response": value}}
