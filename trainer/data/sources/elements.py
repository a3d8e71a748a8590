"""The elements of a JSON array, or of objects one after the other, cut out of a stream of bytes.

Cutting needs only strings and brackets, so a broken element is still cut out, and the next one found: by the
brackets where they match, else by the next place that begins as elements of this file begin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from trainer.data.findings import Problem
from trainer.data.lines import Line
from trainer.data.sources.bytestream import CHUNK, Readable
from trainer.data.sources.kinds import TOKEN

_WHOLE = msgspec.json.Decoder(msgspec.Raw).decode
_FAULTS = (msgspec.DecodeError, RecursionError)
_SPACES = re.compile(rb"[ \t\r\n]+")
_IN_TEXT = re.compile(rb'(?:[^"\\\n]++|\\.)*+')
_SCALAR = re.compile(rb"[^,\]\[{}\n]*")
_FIRST_KEY = re.compile(rb'\{\s*("(?:[^"\\\n]|\\.){1,64}")')
SMALL_WINDOW = 8 * 1024

# what may be wrong between two elements: code → sentence
BETWEEN = {
    "array_commas": "Between elements stands exactly one comma, and none after the last",
    "json_comment": "JSON has no comments; one begins",
    "json_unfinished": "The file ends inside its list: the closing bracket is missing",
}


class Elements:
    """One walk over the elements. `problems` tells, after it, what was wrong between them."""

    def __init__(self, stream: Readable, limit: int, *, inside: bool, line: int = 1) -> None:
        """`inside` where the list has begun already; else a list or objects without one are both understood."""
        self._stream, self._limit = stream, limit
        self._buf, self._pos, self._line = b"", 0, line
        self._eof = False
        self._depth = int(inside)  # 1 in a list
        self._after = False  # an element of this list stands before the gap
        self._window = limit
        self._longest = SMALL_WINDOW
        self._keys: dict[bytes, None] = {}
        self._indent = b""
        self._met: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._inside = inside

    def problems(self) -> list[Problem]:
        return [
            Problem(code, f"{BETWEEN[code]} (line {self._first[code]:,}; {count:,} in all).")
            for code, count in self._met.items()
        ]

    def rest(self) -> Iterator[bytes]:
        """What follows the list."""
        yield self._buf[self._pos :]
        while chunk := self._stream.read(CHUNK):
            yield chunk

    def __iter__(self) -> Iterator[Line]:
        while self._gap():
            yield self._whole_line() or self._element()
            self._after = True

    def _note(self, code: str) -> None:
        self._met[code] += 1
        self._first.setdefault(code, self._line)

    def _more(self) -> bool:
        """Read on; False at the end."""
        if self._pos:
            self._buf, self._pos = self._buf[self._pos :], 0
        chunk = b"" if self._eof else self._stream.read(max(CHUNK, len(self._buf)))
        self._eof = not chunk
        self._buf += chunk
        return bool(chunk)

    def _skip(self, stop: int) -> None:
        self._line += self._buf.count(b"\n", self._pos, stop)
        self._pos = stop

    # between elements

    def _gap(self) -> bool:
        """Go to the next element; False when there is none."""
        commas = 0
        while True:
            if self._pos >= len(self._buf) and not self._more():
                if self._depth:
                    self._note("json_unfinished")
                return False
            byte = self._buf[self._pos : self._pos + 1]
            if byte in b" \t\r\n":
                self._spaces()
            elif byte == b",":
                commas += 1
                self._pos += 1
            elif byte in b"/#" and self._comment():
                continue
            elif byte == b"]" and self._depth:
                if commas:
                    self._note("array_commas")
                self._depth, self._after, commas = 0, False, 0
                self._pos += 1
                if self._inside:  # what follows in the object is not ours
                    return False
            elif byte == b"[" and not self._depth:
                self._depth, self._after = 1, False
                self._pos += 1
            else:
                if commas != (1 if self._depth and self._after else 0):
                    self._note("array_commas")
                return True

    def _spaces(self) -> None:
        found = _SPACES.match(self._buf, self._pos)
        self._skip(found.end() if found else self._pos + 1)

    def _comment(self) -> bool:
        while True:
            start = self._buf[self._pos : self._pos + 2]
            if len(start) < 2 and self._more():
                continue
            if not start.startswith((b"#", b"//", b"/*")):
                return False
            end = b"*/" if start == b"/*" else b"\n"
            stop = self._buf.find(end, self._pos + 2)
            if stop < 0 and len(self._buf) - self._pos < self._limit and self._more():
                continue
            self._note("json_comment")
            self._skip(stop + len(end) if stop >= 0 else len(self._buf))
            return True

    # one element

    def _whole_line(self) -> Line | None:
        """The quick way: an element that has the rest of its line for itself."""
        stop = self._buf.find(b"\n", self._pos)
        if stop < 0 or stop - self._pos > self._limit or self._buf[self._pos] != 0x7B:
            return None
        raw = self._buf[self._pos : stop].rstrip(b"\r \t,")
        if not raw.endswith(b"}") or not _valid(raw):
            return None
        line = Line(self._line, raw, stop + 1 - self._pos, b"\n")
        self._learn(raw, self._pos)
        self._skip(self._pos + len(raw))
        return line

    def _element(self) -> Line:
        if self._buf[self._pos : self._pos + 1] not in (b"{", b"[", b'"'):
            return self._scalar()
        depth, place = 0, self._pos
        while True:
            depth, place, closed = self._walk(depth, place)
            if closed:
                return self._closed(place)
            if place - self._pos > self._window or len(self._buf) - self._pos > self._limit + CHUNK:
                return self._unclosed(depth, place)
            before = self._pos
            if not self._more():
                return self._unclosed(depth, len(self._buf))
            place -= before

    def _walk(self, depth: int, place: int) -> tuple[int, int, bool]:
        """Follow brackets from `place`: the depth, how far it came, and whether the element is closed."""
        end = len(self._buf)
        for token in TOKEN.finditer(self._buf, place):
            first = self._buf[token.start()]
            if first == 0x22:
                if token.end() == end and not self._eof:
                    return depth, token.start(), False
            elif first in b"{[":
                depth += 1
            else:
                depth -= 1
            place = token.end()
            if depth <= 0:
                return 0, place, True
            if place - self._pos > self._window:
                return depth, place, False
        return depth, place, False

    def _closed(self, stop: int) -> Line:
        raw = self._buf[self._pos : stop]
        if len(raw) > self._limit:
            return self._cut(stop, too_long=True)
        if _valid(raw):
            self._learn(raw, self._pos)
            self._longest = max(self._longest, 4 * len(raw))
            return self._cut(stop, valid=True)
        again = self._next_start(stop)
        return self._cut(again or stop)

    def _unclosed(self, depth: int, place: int) -> Line:
        """The brackets do not close: begin again where the next element seems to begin."""
        again = self._next_start(len(self._buf))
        if again:
            self._window = min(self._limit, self._longest)
            return self._cut(again)
        if self._window < self._limit:
            self._window = self._limit
            return self._element()
        if self._eof and len(self._buf) - self._pos <= self._limit:
            return self._cut_off()
        return self._too_long(depth, place)

    def _next_start(self, stop: int) -> int:
        """Where, before `stop`, another element begins as those before it did; 0 for nowhere."""
        keys = b"|".join(map(re.escape, self._keys)) or rb'"messages"|"conversations"|"prompt"|"instruction"|"text"'
        marks = [rb"[,\n}][ \t\r\n,]*(?=\{\s*(?:" + keys + rb"))"]
        if self._indent:
            marks.append(re.escape(self._indent) + rb"(?=\{)")
        found = re.compile(b"|".join(marks)).search(self._buf, self._pos + 1, stop)
        return found.start() + (found[0][:1] == b"}") if found else 0

    def _learn(self, raw: bytes, start: int) -> None:
        if len(self._keys) >= 8:
            return
        if found := _FIRST_KEY.match(raw):
            self._keys[found[1]] = None
        before = self._buf[max(0, start - 64) : start]
        lead = before[before.rfind(b"\n") :] if b"\n" in before else b""
        if len(lead) > 1 and not lead.strip():
            self._indent = lead

    def _cut(self, stop: int, *, too_long: bool = False, valid: bool = False) -> Line:
        raw = b"" if too_long else self._buf[self._pos : stop].rstrip(b" \t\r\n,")
        end = stop if too_long else self._pos + len(raw)
        if valid and b"\n" in raw:
            raw = _on_one_line(raw)
        line = Line(self._line, raw, stop - self._pos, b"\n", too_long or len(raw) > self._limit)
        self._skip(end)
        return line

    def _cut_off(self) -> Line:
        raw = self._buf[self._pos :].rstrip()
        line = Line(self._line, raw, len(raw), b"", len(raw) > self._limit)
        self._skip(len(self._buf))
        return line

    def _too_long(self, depth: int, place: int) -> Line:
        """Follow the brackets to the end of an element that is too long to keep."""
        number, size, closed = self._line, 0, False
        while True:
            size += place - self._pos
            self._skip(place)
            if closed or (self._pos == len(self._buf) and not self._more()):
                break
            if self._buf[self._pos] == 0x22:
                size += self._through_text()
                place, closed = self._pos, depth == 0
                continue
            depth, place, closed = self._walk(depth, self._pos)
            if place == self._pos and not closed:
                place = len(self._buf)  # no bracket and no text in it
        return Line(number, b"", size, b"\n", too_long=True)

    def _through_text(self) -> int:
        """Pass over a text, also one that does not end in the buffer: how many bytes it had."""
        size, place = 1, self._pos + 1
        while True:
            found = _IN_TEXT.match(self._buf, place)
            stop = found.end() if found else place
            size += stop - place
            self._skip(stop)
            if len(self._buf) - stop > 1 or not self._more():
                break
            place = self._pos
        over = min(1, len(self._buf) - self._pos)  # the quote that ends it, or what should not stand there
        self._skip(self._pos + over)
        return size + over

    def _scalar(self) -> Line:
        """A number, a word, or whatever stands where an element should be."""
        while True:
            found = _SCALAR.match(self._buf, self._pos)
            stop = found.end() if found else self._pos
            if stop < len(self._buf) or self._eof or stop - self._pos > self._limit:
                return self._cut(max(stop, self._pos + 1))
            self._more()


def _valid(raw: bytes) -> bool:
    try:
        _WHOLE(raw)
    except _FAULTS:
        return False
    return True


def _on_one_line(raw: bytes) -> bytes:
    try:
        return msgspec.json.format(raw, indent=-1)
    except (*_FAULTS, UnicodeDecodeError):
        return raw.replace(b"\r", b" ").replace(b"\n", b" ")  # between tokens only: a text holds no line end
