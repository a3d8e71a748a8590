"""Rows of every shade between clean and nonsense, for hypothesis."""

from __future__ import annotations

import json

from hypothesis import strategies as st

TEXT = st.text(max_size=12) | st.sampled_from(["hi", 'a "role": b', "back\\slash", '\\"', "\u2028", "\\u0000"])
LOOSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ROLE = st.sampled_from(["system", "user", "assistant", "tool", "developer", "function", "human"])
MESSAGE = st.fixed_dictionaries(
    {"role": ROLE | LOOSE, "content": TEXT | LOOSE},
    optional={
        "weight": st.sampled_from([0, 1, True, 1.0, 2]) | LOOSE,
        "name": LOOSE,
        "tool_calls": LOOSE,
        "x": LOOSE,
    },
)
PLAIN = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT})
ROW = st.fixed_dictionaries(
    {"messages": st.lists(PLAIN, max_size=3) | st.lists(MESSAGE | LOOSE, max_size=3) | LOOSE},
    optional={"tools": LOOSE, "metadata": LOOSE, "functions": LOOSE, "y": LOOSE},
)


CALL = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b"]),
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": st.sampled_from(["f", "g"]), "arguments": st.sampled_from(["{}", '{"a": 1}', "[]", "{"])}
        ),
    }
)
TALK = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "assistant", "tool"])},
    optional={
        "content": TEXT | st.none(),
        "tool_calls": st.lists(CALL, max_size=2),
        "tool_call_id": st.sampled_from(["a", "b"]),
        "weight": st.sampled_from([0, 1]),
        "name": TEXT,
    },
)
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
TALKS = st.fixed_dictionaries(
    {"messages": st.lists(TALK, max_size=5)},
    optional={
        "tools": st.sampled_from([[TOOL], [], [{"type": "function", "function": {"name": "g"}}, TOOL], [{}]]),
        "parallel_tool_calls": st.booleans(),
        "metadata": st.dictionaries(TEXT, TEXT, max_size=2),
    },
)
SIMPLE = st.fixed_dictionaries(
    {"messages": st.lists(PLAIN, min_size=1, max_size=3).map(lambda m: [*m, {"role": "assistant", "content": "x"}])}
)
PADDING = json.dumps(
    {"messages": [{"role": "user", "content": "padding " * 9}, {"role": "assistant", "content": "yes"}]}
).encode()


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A row as bytes, sometimes with a piece repeated, removed or replaced."""
    text = json.dumps(draw(SIMPLE | TALKS | ROW | LOOSE), ensure_ascii=draw(st.booleans()))
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        a, b = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        raw[a:b] = draw(st.sampled_from([bytes(raw[a:b]) * 2, b"", b'"', b"\\", b",", b'"role": "user", ', b"\xff"]))
    return bytes(raw).replace(b"\n", b" ")
