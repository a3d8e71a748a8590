"""Rows with one defect each, clean rows, and a generator that strews the one among the other."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

CALL = {"id": "c1", "type": "function", "function": {"name": "price", "arguments": '{"symbol": "X"}'}}
TOOLS = [{"type": "function", "function": {"name": "price", "parameters": {"type": "object"}}}]


def say(role: str, content: object = "hi", **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


def row(n: object, *messages: dict[str, object], **more: object) -> str:
    return json.dumps({"messages": list(messages) or [say("user", f"q {n}"), say("assistant", f"a {n}")], **more})


def talk(*messages: object, **more: object) -> str:
    return json.dumps({"messages": list(messages), **more})


USER, BOT = say("user"), say("assistant")

# one defect a line: (code, the line)
DEFECTS: list[tuple[str, str | bytes]] = [
    ("blank_line", "   "),
    ("line_too_long", row("x" * 3000)),
    ("not_utf8", row("caf").replace("caf", "café").encode("latin-1")),
    ("lone_surrogate", b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}, {"role": "assistant"}]}'),
    ("lone_surrogate", row("\ud800")),
    ("u2028", row("a\u2028b").replace("\\u2028", "\u2028")),
    ("invalid_json", "{'messages': []}"),
    ("invalid_json", talk(USER, BOT)[:-1] + ",}"),
    ("invalid_json", talk(USER, BOT) + ","),
    ("invalid_json", talk(USER, BOT) + talk(USER, BOT)),
    ("invalid_json", talk(USER, BOT)[:-3]),
    ("invalid_json", '{"messages": None}'),
    ("invalid_json", '{"messages": [] /* none */}'),
    ("invalid_json", talk(say("user", "a\tb"), BOT).replace("\\t", "\t")),
    ("invalid_json", "\ufeff" + talk(USER, BOT)),
    ("too_deep", '{"messages": ' + "[" * 20_000 + "]" * 20_000 + "}"),
    ("too_deep", '{"messages": ' + "[" * 200 + "]" * 200 + "}"),
    ("huge_integer", talk(USER, say("assistant", weight=10**19))),
    ("huge_integer", talk(USER, BOT, metadata={"n": 0}).replace(": 0", ": " + "9" * 5000)),
    ("nan_or_infinity", talk(USER, say("assistant", weight=float("nan")))),
    ("nan_or_infinity", talk(USER, BOT, metadata={"n": 0}).replace(": 0", ": -Infinity")),
    ("nan_or_infinity", talk(USER, BOT, metadata={"n": 0}).replace(": 0", ": 1e999")),
    ("duplicate_key", '{"messages": [], ' + talk(say("user", "dup"), BOT)[1:]),
    (
        "duplicate_key",
        talk(say("user", "dup2"), BOT).replace('"role": "user"', '"role": "user", "role": "user"'),
    ),
    (
        "duplicate_key",
        talk(say("user", "\\"), BOT).replace('"role": "user"', '"role": "user", "role": "user"'),
    ),
    (
        "duplicate_key",
        '{"messages": [{"role": "user", "r\\u006fle": "user", "content": "x"}, ' + json.dumps(BOT) + "]}",
    ),
    ("nul_character", row("a\0b")),
    ("nul_character", row("x").replace("q x", "q \0")),
    ("not_an_object", "[1, 2]"),
    ("not_an_object", "17"),
    ("not_an_object", json.dumps(row(1))),
    ("missing_messages", '{"question": "a", "answer": "b"}'),
    ("missing_messages", "{}"),
    ("messages_not_a_list", '{"messages": {}}'),
    ("messages_not_a_list", json.dumps({"messages": json.dumps([USER, BOT])})),
    ("empty_messages", '{"messages": []}'),
    ("unknown_key", talk(USER, BOT, id=3)),
    ("unknown_key", talk(say("user", "k", mood="blue"), BOT)),
    ("bad_metadata", talk(USER, BOT, metadata=["x"])),
    ("bad_metadata", talk(USER, BOT, metadata={"a": 1})),
    ("message_not_an_object", talk("hello", BOT)),
    ("missing_role", talk({"content": "x"}, BOT)),
    ("unknown_role", talk(say("human"), BOT)),
    ("unknown_role", talk(USER, say("Assistant"))),
    ("unknown_role", talk(say(None), BOT)),  # type: ignore[arg-type]
    ("missing_content", talk({"role": "user"}, BOT)),
    ("missing_content", talk(USER, say("assistant", None))),
    ("content_not_text", talk(say("user", 5), BOT)),
    ("content_not_text", talk(say("user", [{"type": "image_url", "image_url": {"url": "x"}}]), BOT)),
    ("empty_content", talk(say("user", " \u00a0\n"), BOT)),
    ("empty_content", talk(USER, say("assistant", ""))),
    ("bad_name", talk(say("user", name=3), BOT)),
    ("bad_weight", talk(USER, say("assistant", weight=True))),
    ("bad_weight", talk(USER, say("assistant", weight=1.0))),
    ("bad_weight", talk(USER, say("assistant", weight=2))),
    ("bad_weight", talk(USER, say("assistant", weight="1"))),
    ("bad_weight", talk(say("user", weight=1), BOT)),
    ("no_assistant", talk(say("system"), USER)),
    ("last_not_assistant", talk(USER, BOT, say("user", "more"))),
    ("no_user", talk(say("system"), BOT)),
    ("nothing_to_learn", talk(USER, say("assistant", weight=0))),
    ("bad_tools", talk(USER, BOT, tools={"name": "f"})),
    ("bad_tools", talk(USER, BOT, tools=[{"type": "function", "name": "f"}])),
    ("bad_parallel_tool_calls", talk(USER, BOT, parallel_tool_calls="no")),
    ("bad_tool_call", talk(USER, say("assistant", None, tool_calls=[{"id": "c1"}]))),
    ("bad_tool_call", talk(USER, say("assistant", tool_calls=[]))),
    (
        "tool_arguments_not_text",
        talk(
            USER,
            say(
                "assistant",
                None,
                tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}],
            ),
        ),
    ),
    (
        "tool_arguments_not_json",
        talk(
            USER,
            say(
                "assistant",
                None,
                tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "a=1"}}],
            ),
        ),
    ),
    ("tool_without_call", talk(USER, say("tool", tool_call_id="c9"), BOT)),
    ("tool_without_call", talk(USER, say("tool"), BOT)),
    ("call_without_result", talk(USER, say("assistant", None, tool_calls=[CALL]), say("user", "and?"), BOT)),
    ("unknown_tool", talk(USER, say("assistant", None, tool_calls=[CALL]), tools=[])),
    ("legacy_functions", talk(USER, say("assistant", "old"), functions=[{"name": "f"}])),
    (
        "empty_tool_result",
        talk(USER, say("assistant", None, tool_calls=[CALL]), say("tool", "", tool_call_id="c1"), BOT),
    ),
]

VALID = [
    talk(USER, say("assistant", None, tool_calls=[CALL]), tools=TOOLS),
    talk(
        USER,
        {"role": "assistant", "tool_calls": [CALL]},
        say("tool", "5", tool_call_id="c1"),
        BOT,
        tools=TOOLS,
    ),
    talk(say("developer"), USER, say("assistant", weight=0), USER, say("assistant", weight=1)),
    talk(say("user", [{"type": "text", "text": "parts"}]), say("assistant", name="bo")),
    talk(say("user", 'says "role" \\" and \\\\'), say("assistant", '\\"')),
    talk(USER, say("assistant", "m"), metadata={"task": "greet"}, parallel_tool_calls=False),
]


def write(path: Path, *lines: str | bytes, end: bytes = b"\n") -> Path:
    path.write_bytes(b"".join((x.encode() if isinstance(x, str) else x) + end for x in lines))
    return path


def good(n: int, start: int = 0) -> list[str]:
    return [row(i) for i in range(start, start + n)]


def strewn(seed: int, each: int = 12, clean: int = 2000) -> tuple[list[str | bytes], dict[int, str]]:
    """Lines of a file in which every defect stands `each` times at a random place, made from varied rows,
    and the truth: line number → code."""
    rng = random.Random(seed)
    lines: list[tuple[str, str | bytes]] = [("", line) for line in _clean(rng, clean)]
    for code, line in DEFECTS:
        if code != "line_too_long":
            lines += [(code, _varied(line, rng)) for _ in range(each)]
    rng.shuffle(lines)
    truth = {number: code for number, (code, _) in enumerate(lines, 1) if code}
    return [line for _, line in lines], truth


def _clean(rng: random.Random, count: int) -> Iterator[str]:
    for n in range(count):
        if rng.random() < 0.3:
            yield rng.choice(VALID)
        else:
            yield row(f"{n} " + " ".join(rng.choices(["tea", "naïve", "“q”", "\\n", '"', "{", "]", "1,5"], k=9)))


def _varied(line: str | bytes, rng: random.Random) -> str | bytes:
    """The same defect with other words and other white space around it."""
    word = rng.choice(["hi", "good day", "tea?", "ä", "x" * 50])
    if isinstance(line, bytes):
        return line
    changed = line.replace('"hi"', json.dumps(word, ensure_ascii=False))
    return (
        " " * rng.randint(0, 2) + changed if rng.random() < 0.3 and changed.strip() and changed[0] == "{" else changed
    )
