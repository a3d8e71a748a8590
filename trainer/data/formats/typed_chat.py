"""The fast path of OpenAI chat: whole blocks of lines decoded into typed rows, and proven to be without findings.

msgspec refuses unknown keys, wrong types and broken JSON; what it lets pass and `inspect` would not is proven
absent here: keys that stand twice (by counting quotes), lines that hold two rows or half a row, empty
contents, NUL and raw line separators, and tools that do not fit. In doubt the answer is None, and `inspect` looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from trainer.data.canonical import canonical
from trainer.data.formats.tool_calls import declared_name, inspect_tools
from trainer.data.parse import parse

QUOTE, BACKSLASH, LF, CR, OPEN, CLOSE, LETTER_U, ZERO, E2, SECOND, THIRD = b'"\\\n\r{}u0\xe2\x80\xa8'
SMALL = 4096  # below this many bytes counting by bytes.count is quicker than by numpy
TOOLS_REMEMBERED = 4096


class Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["system", "developer", "user", "assistant"]
    content: str


class Row(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: list[Message]


class Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    arguments: str


class Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: str
    type: Literal["function"]
    function: Function


class RichMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """With everything that a message may have in the modern shape."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | UnsetType | None = UNSET
    name: str | UnsetType = UNSET
    weight: Literal[0, 1] | UnsetType = UNSET
    tool_calls: list[Call] | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET


class RichRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: list[RichMessage]
    tools: msgspec.Raw | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType = UNSET


_lean = msgspec.json.Decoder(Row).decode_lines
_rich = msgspec.json.Decoder(RichRow).decode_lines
_any = msgspec.json.decode
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(raw: bytes) -> list[Any] | None:
    """`Row`s or `RichRow`s, one a line of `raw` (whole lines); None when any line may have a finding."""
    try:
        return _plain(raw, _lean(raw))
    except _REFUSED:
        pass
    try:
        return _with_tools(raw, _rich(raw))
    except _REFUSED:
        return None


def _plain(raw: bytes, rows: list[Row]) -> list[Row] | None:
    count = 0
    for row in rows:
        messages = row.messages
        count += len(messages)
        if len(messages) < 2 or messages[-1].role != "assistant":
            return None
        if messages[-2].role != "user" and not any(m.role == "user" for m in messages):
            return None
        for message in messages:
            content = message.content
            if not "!" <= content < "\x7f" and (not content or content.isspace()):  # most begin in ASCII: no call
                return None
    return rows if proven(raw, len(rows), 2 * len(rows) + 8 * count) else None


def proven(raw: bytes, rows: int, quotes: int) -> bool:
    """`raw` holds that many rows, one a line, with just that many quotes that are not escaped, and neither a NUL
    nor a raw line separator."""
    if not rows:
        return False
    if len(raw) < SMALL:
        return _a_row_a_line(raw, rows) and _quotes(raw) == quotes and not _odd(raw)
    codes = np.frombuffer(raw, np.uint8)
    ends = np.flatnonzero(codes == LF)
    if len(ends) + (codes[-1] != LF) != rows or not _between_rows(codes, ends):
        return False
    found = int(np.count_nonzero(codes == QUOTE))
    escapes = np.flatnonzero(codes == BACKSLASH)
    if len(escapes):
        escaped = codes[escapes + 1]  # a row ends in a brace: there is always a byte behind
        quoted = escapes[escaped == QUOTE]
        if (codes[quoted - 1] == BACKSLASH).any():  # two backslashes before a quote, or more
            found = _quotes(raw)
        else:
            found -= len(quoted)
        if _nul(codes, escapes[escaped == LETTER_U]):
            return False
    return found == quotes and (raw.isascii() or not _line_separators(codes, np.flatnonzero(codes == E2)))


def _line_separators(codes: Any, starts: Any) -> bool:
    """Whether any of these three-byte characters is U+2028 or U+2029."""
    starts = starts[codes[starts + 1] == SECOND]
    return bool((codes[starts + 2] & 0xFE == THIRD).any())


def _nul(codes: Any, escapes: Any) -> bool:
    """Whether any of these \\u escapes is \\u0000."""
    zeros = escapes[codes[escapes + 2] == ZERO]
    zeros = zeros[codes[zeros + 3] == ZERO]
    return bool(((codes[zeros + 4] == ZERO) & (codes[zeros + 5] == ZERO)).any())


def _between_rows(codes: Any, ends: Any) -> bool:
    """Every LF stands right behind a row (or its CR), and every row but the first right behind an LF."""
    before = codes[ends - 1]
    before = np.where(before == CR, codes[ends - 2], before)
    after = codes[ends[:-1] + 1] if codes[-1] == LF else codes[ends + 1]
    return bool(codes[0] == OPEN and (before == CLOSE).all() and (after == OPEN).all())


def _a_row_a_line(raw: bytes, rows: int) -> bool:
    if rows == 1 and b"\n" not in raw[:-1]:
        return True
    text = raw.replace(b"\r\n", b"\n")
    return text.count(b"\n") + (text[-1] != LF) == rows == text.count(b"}\n{") + 1 and text[:1] == b"{"


def _quotes(raw: bytes) -> int:
    """Quotes that are not escaped."""
    if b"\\" not in raw:
        return raw.count(b'"')
    if b"\\\\" in raw:
        raw = raw.replace(b"\\\\", b"")
    return raw.count(b'"') - raw.count(b'\\"')


def _odd(raw: bytes) -> bool:
    """It may hold a NUL, or a raw line or paragraph separator."""
    return b"\\u0000" in raw or (not raw.isascii() and _separators(raw))


def _separators(raw: bytes) -> bool:
    return b"\xe2\x80\xa8" in raw or b"\xe2\x80\xa9" in raw


def _with_tools(raw: bytes, rows: list[RichRow]) -> list[RichRow] | None:
    quotes = 0
    for row in rows:
        found = _row_quotes(row)
        if not found:
            return None
        quotes += found
    if not proven(raw, len(rows), quotes):
        return None
    for row in rows:
        if row.tools is not UNSET:
            row.tools = _TOOLS.of(bytes(row.tools)).canonical
    return rows


def _row_quotes(row: RichRow) -> int:
    """How many quotes a clean row has that are not escaped; 0 when it is not clean."""
    messages = row.messages
    if not messages or messages[-1].role != "assistant":
        return 0
    quotes = 2 + 2 * (row.parallel_tool_calls is not UNSET)
    known: frozenset[str] | None = None
    if row.tools is not UNSET:
        tools = _TOOLS.of(bytes(row.tools))
        if not tools.clean:
            return 0
        known = tools.names
        quotes += 2 + tools.quotes
    if row.metadata is not UNSET:
        quotes += 2 + 4 * len(row.metadata)
    talk = _talk_quotes(messages, known)
    return quotes + talk if talk else 0


def _talk_quotes(messages: Sequence[RichMessage], known: frozenset[str] | None) -> int:
    quotes, user, learn = 0, False, False
    waiting: set[str] = set()
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in waiting or message.tool_calls is not UNSET:
                return 0
            waiting.discard(message.tool_call_id)
        elif waiting or message.tool_call_id is not UNSET:
            return 0
        found = _message_quotes(message, waiting, known)
        if not found:
            return 0
        quotes += found
        user = user or message.role == "user"
        learn = learn or (message.role == "assistant" and message.weight != 0)
    return quotes if user and learn else 0


def _message_quotes(message: RichMessage, waiting: set[str], known: frozenset[str] | None) -> int:
    quotes = 4
    calls = message.tool_calls
    if calls is not UNSET:
        if message.role != "assistant" or not calls:
            return 0
        quotes += 2
        for call in calls:
            if not _call_is_clean(call, waiting, known):
                return 0
            quotes += 18
    content = message.content
    if content:
        if content.isspace():
            return 0
        quotes += 4
    elif calls is UNSET or content == "":
        return 0
    elif content is None:
        quotes += 2
    if message.weight is not UNSET:
        if message.role != "assistant":
            return 0
        quotes += 2
    return quotes + 4 * (message.name is not UNSET) + 4 * (message.tool_call_id is not UNSET)


def _call_is_clean(call: Call, waiting: set[str], known: frozenset[str] | None) -> bool:
    name = call.function.name
    if not call.id or call.id in waiting or not name or (known is not None and name not in known):
        return False
    waiting.add(call.id)
    return isinstance(_any(call.function.arguments), dict)  # raises what `decode` catches


class _Tools(msgspec.Struct):
    """What is known of one declaration of tools, by its bytes: the same one stands in every row."""

    clean: bool
    names: frozenset[str] = frozenset()
    quotes: int = 0
    canonical: msgspec.Raw = msgspec.Raw(b"[]")


class _Remembered:
    def __init__(self) -> None:
        self.known: dict[bytes, _Tools] = {}

    def of(self, raw: bytes) -> _Tools:
        found = self.known.get(raw)
        if found is None:
            if len(self.known) >= TOOLS_REMEMBERED:
                self.known.clear()
            found = self.known[raw] = _look(raw)
        return found


_TOOLS = _Remembered()


def _look(raw: bytes) -> _Tools:
    value, problems = parse(raw, last=False)
    if problems or not isinstance(value, list) or any(inspect_tools({"tools": value})) or _odd(raw):
        return _Tools(False)
    told = canonical(value)
    known = _Tools(True, frozenset(map(declared_name, value)), _quotes(raw), msgspec.Raw(told))
    _TOOLS.known[told] = _Tools(True, known.names, _quotes(told), known.canonical)
    return known
