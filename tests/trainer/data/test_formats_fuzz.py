"""Whatever JSON comes: no format raises, and what one accepts becomes a chat row that chat itself accepts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trainer.data.findings import CODES
from trainer.data.formats import FORMATS, Format, detect, load_format
from trainer.data.formats.columns import load_columns, propose_mapping
from trainer.data.parse import Repeated, Unreadable, parse
from trainer.types import Severity

QUICK = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TEXT = st.text(max_size=8) | st.sampled_from(["hi", "", " ", "3", '{"name": "f", "arguments": {"a": 1}}', "[]"])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.builds(Unreadable, st.just("huge_integer"))
NAMES = st.sampled_from(
    [
        "messages",
        "role",
        "content",
        "tools",
        "input",
        "output",
        "prompt",
        "completion",
        "chosen",
        "rejected",
        "label",
        "text",
        "instruction",
        "history",
        "system",
        "conversations",
        "from",
        "value",
        "contents",
        "parts",
        "functionCall",
        "functionResponse",
        "name",
        "args",
        "response",
        "id",
        "weight",
        "prefix",
        "preferred_output",
        "non_preferred_output",
        "systemInstruction",
        "functionDeclarations",
        "tool_calls",
        "metadata",
        "type",
        "function",
        "arguments",
        "question",
        "answer",
        "x",
    ]
)
SAID = st.sampled_from(
    [
        "user",
        "assistant",
        "system",
        "tool",
        "human",
        "gpt",
        "model",
        "function_call",
        "observation",
        "developer",
        "function",
    ]
)
LOOSE: Any = st.recursive(
    LEAF | SAID,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=5)
        | st.dictionaries(NAMES, inner, max_size=3).map(lambda pairs: Repeated(pairs))
    ),
    max_leaves=14,
)


def maybe(strategy: Any) -> Any:
    """Mostly as it should be, sometimes anything."""
    return st.integers(0, 14).flatmap(lambda n: LOOSE if n == 0 else strategy)


GOOD = st.sampled_from(["hi", "  x", "y\n", "ü\u2028", '{"a": 1}', "[1, 2]", "3"]) | st.text(min_size=1, max_size=6)
CALL = st.fixed_dictionaries({"name": GOOD, "arguments": st.dictionaries(TEXT, st.integers() | TEXT, max_size=2)})
MESSAGE = st.fixed_dictionaries({"role": maybe(SAID), "content": maybe(GOOD)}, optional={"weight": st.just(1)})
ASKED = st.fixed_dictionaries({"role": st.just("user"), "content": maybe(GOOD)})
ANSWERED = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": maybe(GOOD)}, optional={"prefix": maybe(st.booleans())}
)
TURN = st.fixed_dictionaries(
    {"from": maybe(SAID | st.sampled_from(["human", "gpt"])), "value": maybe(GOOD | CALL.map(json.dumps))},
    optional={"weight": st.sampled_from([0, 1, None]), "x": LOOSE},
)
CALLS = st.lists(CALL, min_size=1, max_size=3)


@st.composite
def sharegpt(draw: st.DrawFn) -> dict[str, Any]:
    turns = [{"from": "human", "value": draw(GOOD)}]
    if draw(st.booleans()):
        calls = draw(CALLS)
        turns.append({"from": "function_call", "value": json.dumps(calls)})
        turns += [{"from": "observation", "value": draw(GOOD)} for _ in calls[: draw(st.integers(1, 3))]]
    turns += draw(st.lists(maybe(TURN), max_size=2))
    turns.append({"from": "gpt", "value": draw(GOOD)})
    return {"conversations": turns} | draw(st.fixed_dictionaries({}, optional={"system": maybe(TEXT), "x": LOOSE}))


@st.composite
def vertex(draw: st.DrawFn) -> dict[str, Any]:
    text = st.lists(st.fixed_dictionaries({"text": maybe(GOOD)}), min_size=1, max_size=2)
    contents = [{"role": "user", "parts": draw(text)}]
    if draw(st.booleans()):
        called = draw(CALLS)
        calls = [{"functionCall": {"name": c["name"], "args": c["arguments"]}} for c in called]
        results = [{"functionResponse": {"name": c["name"], "response": draw(maybe(LOOSE))}} for c in called]
        contents += [{"role": "model", "parts": calls}, {"role": draw(SAID | st.just("user")), "parts": results}]
    contents.append({"role": "model", "parts": draw(text)})
    more = {"systemInstruction": maybe(st.fixed_dictionaries({"parts": text})), "x": LOOSE}
    return {"contents": contents} | draw(st.fixed_dictionaries({}, optional=more))


SIDE = maybe(GOOD)
ASK, ANSWER = st.lists(maybe(MESSAGE) | ASKED, max_size=3), st.lists(ANSWERED, min_size=1, max_size=2)
ROWS: Any = st.one_of(
    sharegpt(),
    vertex(),
    st.fixed_dictionaries(
        {"instruction": maybe(GOOD), "output": maybe(GOOD)},
        optional={
            "input": maybe(TEXT),
            "system": maybe(TEXT),
            "history": maybe(st.lists(maybe(st.lists(GOOD, min_size=2, max_size=2)), max_size=2)),
            "x": LOOSE,
        },
    ),
    st.fixed_dictionaries({"prompt": SIDE, "completion": SIDE}, optional={"label": maybe(st.booleans()), "x": LOOSE}),
    st.fixed_dictionaries({"prompt": ASK, "completion": ANSWER}, optional={"tools": LOOSE, "label": st.booleans()}),
    st.fixed_dictionaries({"chosen": SIDE, "rejected": SIDE}, optional={"prompt": SIDE}),
    st.fixed_dictionaries({"chosen": ANSWER, "rejected": ANSWER}, optional={"prompt": ASK}),
    st.fixed_dictionaries({"text": SIDE}),
    st.builds(lambda a, b, x: {"messages": a + b} | x, ASK, ANSWER, st.dictionaries(NAMES, LOOSE, max_size=1)),
    st.builds(
        lambda a, b, c: {"input": {"messages": a}, "preferred_output": b, "non_preferred_output": c},
        ASK,
        ANSWER,
        ANSWER,
    ),
    st.builds(lambda a, x: {"messages": a, "reference": x}, st.lists(ASKED, min_size=1, max_size=2), LOOSE),
    st.dictionaries(NAMES, LOOSE, max_size=5),
    LOOSE,
)
COLUMNS = load_columns({"prompt": "instruction", "completion": "output", "system": "system"})


def every_format() -> list[Format]:
    return [*map(load_format, FORMATS), COLUMNS]


@QUICK
@given(row=ROWS)
@example(row={"contents": [{"role": "user", "parts": [{"text": Unreadable("huge_integer")}]}]})
@example(row={"conversations": [{"from": "function_call", "value": "[" * 5000}]})
def test_no_format_raises(row: Any) -> None:
    detect(row)
    for format in every_format():
        for problem in format.inspect(row):
            assert problem.code in CODES and problem.message and isinstance(problem.path, str)


@QUICK
@given(row=ROWS)
def test_what_a_format_accepts_chat_accepts(row: Any) -> None:
    try:
        raw = json.dumps(row, allow_nan=False).encode()
    except (TypeError, ValueError):  # Unreadable, NaN
        return
    row, problems = parse(raw, last=False)
    if problems:
        return
    for format in every_format():
        if any(p.severity is Severity.ERROR for p in format.inspect(row)):
            continue
        plain = format.plain(row)
        view, chat = format.view(row), format.chat(row)
        assert isinstance(view.prompt, str) and isinstance(view.answer, str)
        assert plain == row and json.loads(json.dumps(plain)) == row
        if format.kind == "chat":
            found = list(load_format("openai-chat").inspect(chat))
            assert not [p for p in found if p.severity is Severity.ERROR], (format.name, found)
            assert nothing_lost(row, json.dumps(chat, ensure_ascii=False)), (format.name, row, chat)
        else:
            assert chat is None


def nothing_lost(row: Any, chat: str) -> bool:
    """Every text with a visible character in the row stands in the chat row; JSON inside texts is read first."""
    texts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            list(map(walk, value.values()))
        elif isinstance(value, list):
            list(map(walk, value))
        elif isinstance(value, str) and value.strip() and value[:1] not in "[{":
            texts.append(value)

    walk({key: value for key, value in row.items() if key not in ("tools",)})
    roles = {"human", "gpt", "observation", "function_call", "model", "function"}
    once = [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts if text not in roles]
    return all(text in chat or json.dumps(text, ensure_ascii=False)[1:-1] in chat for text in once)


@QUICK
@given(
    keys=st.lists(TEXT | NAMES, max_size=5),
    samples=st.lists(st.dictionaries(TEXT | NAMES, LOOSE, max_size=4), max_size=6),
)
def test_a_proposal_names_two_columns_that_are_there(keys: list[str], samples: list[dict[str, Any]]) -> None:
    mapping = propose_mapping(keys, samples)
    if mapping is not None:
        assert set(mapping.values()) <= set(keys)
        assert load_columns(mapping).mapping == mapping


FLAT = st.dictionaries(NAMES, GOOD | st.sampled_from(["", " "]) | st.none(), max_size=4)
TALK = st.lists(
    st.fixed_dictionaries({"role": SAID, "content": GOOD}) | st.fixed_dictionaries({"from": SAID, "value": GOOD}),
    max_size=3,
)
TURNS = st.dictionaries(NAMES, TALK | GOOD | st.none(), max_size=4)
MESSAGES = st.tuples(GOOD, GOOD).map(
    lambda t: [{"role": "user", "content": t[0]}, {"role": "assistant", "content": t[1]}]
)
SHARED = st.tuples(GOOD, GOOD).map(lambda t: [{"from": "human", "value": t[0]}, {"from": "gpt", "value": t[1]}])
CLEAN = st.one_of(
    st.fixed_dictionaries({"conversations": SHARED}, optional={"system": TEXT, "id": GOOD}),
    st.fixed_dictionaries({"chosen": MESSAGES, "rejected": MESSAGES}, optional={"prompt": st.none() | MESSAGES | GOOD}),
    MESSAGES.map(lambda m: {"prompt": m[:1], "completion": m[1:]}),
    st.fixed_dictionaries({"instruction": GOOD, "output": GOOD}, optional={"input": TEXT, "system": TEXT, "id": GOOD}),
    st.fixed_dictionaries({"prompt": GOOD, "completion": GOOD}, optional={"source": GOOD}),
    st.fixed_dictionaries({"chosen": GOOD, "rejected": GOOD}, optional={"prompt": GOOD | st.none()}),
    st.fixed_dictionaries({"chosen": TALK, "rejected": TALK}, optional={"prompt": TALK | GOOD}),
    st.fixed_dictionaries({"prompt": TALK, "completion": TALK}),
    st.fixed_dictionaries({"conversations": TALK}, optional={"system": TEXT, "id": GOOD}),
    st.fixed_dictionaries({"text": GOOD}, optional={"url": GOOD}),
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Some rows as bytes, sometimes with a piece repeated, removed or replaced."""
    some = draw(st.lists(CLEAN | FLAT | TURNS | ROWS, min_size=1, max_size=3))
    try:
        texts = [json.dumps(row, ensure_ascii=draw(st.booleans())) for row in some]
    except TypeError:  # Unreadable
        texts = ["{}"]
    raw = bytearray("\n".join(texts).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        a, b = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        raw[a:b] = draw(st.sampled_from([bytes(raw[a:b]) * 2, b"", b'"', b"\\", b",", b'"id": "x", ', b"\xff", b"\n"]))
    return bytes(raw)


@settings(QUICK, max_examples=500)
@given(raw=lines())
@example(raw=b'{"text": "a", "text": "b"}')
@example(raw=b'{"prompt": "a", "completion": "b\\u0000"}')
@example(raw=b'{"instruction": "a", "output": "\\ud800"}')
def test_what_the_fast_path_passes_the_careful_path_passes(raw: bytes) -> None:
    for format in every_format() if raw else ():
        fast = format.block(raw)
        if fast is None:
            continue
        parsed = [parse(line, last=False) for line in raw.removesuffix(b"\n").split(b"\n")]
        assert len(parsed) == len(fast)
        for (value, problems), row in zip(parsed, fast, strict=True):
            assert not problems and not list(format.inspect(value))
            assert format.plain(row) == value and format.view(row) == format.view(value)
            assert format is COLUMNS or detect(value) == format.name
