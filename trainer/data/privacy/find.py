"""Finds personal data and secrets in a text, and the rows of raw JSON lines that may hold any.

Two stages. `candidates` runs an RE2 automaton over raw JSON bytes and names the lines that deserve a look; `find`
looks at a decoded text: a set of patterns tells which kinds may be in it, each such pattern proposes places, and the
kind's confirmation (check digits, numbering plans, words around it) decides. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from trainer.data.privacy.context import WINDOW, Span
from trainer.data.privacy.kinds import _S1, ESCAPED, KINDS, Kind, fold  # pyright: ignore[reportPrivateUsage]

MEMORY = 256 * 1024 * 1024  # what an automaton may take at most; it takes a few MiB
PIECE = 64 * 1024  # longer texts are looked at in pieces …
OVERLAP = 16 * 1024  # … that overlap by more than the longest hit


class Hit(NamedTuple):
    """A place in a text, in characters. The value itself is kept nowhere."""

    kind: str
    start: int
    end: int


def _options() -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    options.encoding = re2.Options.Encoding.LATIN1
    return options


def _bytes(pattern: str) -> bytes:
    """A pattern over bytes: what is not ASCII in it stands for its UTF-8."""
    return pattern.encode("utf-8")


# An Italian tax code stands between the edges of words; in JSON an escape may stand there, too. A hint that begins
# with any letters has an automaton count the letters of every word, in hundreds of states and at twice the time:
# the loose one is only its end.
_CF = "it_codice_fiscale"
_EDGES = {_CF: rf"(?:\b|\\[bfnrt]|\\u[0-9a-fA-F]{{4}})(?:{KINDS[_CF].hint})\b"}
_LOOSE = {
    _CF: rf"(?i:[0-9LMNP-V]{{2}}[ABCDEHLMPRST][0-9LMNP-V]{{2}}{_S1}[A-Z][0-9LMNP-V]{{3}}{_S1}[A-Z])\b",
}


def hints(*, loose: bool = False) -> bytes:
    """One RE2 pattern over raw JSON bytes that finds whatever deserves a look; a loose one finds a little more, and
    runs faster."""
    found = {name: kind.hint or kind.pattern for name, kind in KINDS.items()} | (_LOOSE if loose else _EDGES)
    return _bytes("|".join(f"(?:{hint})" for hint in (*dict.fromkeys(found.values()), ESCAPED)))


def compiled(pattern: bytes) -> Any:
    import re2

    return re2.compile(pattern, _options())


@cache
def _union() -> Any:
    return compiled(hints())


@cache
def _loose() -> Any:
    return compiled(hints(loose=True))


def suspicious(line: bytes) -> bool:
    """Whether a line of raw JSON may hold something."""
    return _union().search(line) is not None


@cache
def _patterns() -> tuple[Any, list[Any]]:
    """The set that tells which kinds may be in a text, and each kind's own pattern, in the order of KINDS."""
    import re2

    options = _options()
    chosen = re2.Set.SearchSet(options)
    for kind in KINDS.values():
        chosen.Add(_bytes(kind.pattern))
    chosen.Compile()
    return chosen, [re2.compile(_bytes(kind.pattern), options) for kind in KINDS.values()]


def candidates(raw: bytes) -> Iterator[int]:
    """The indices of the lines (0 for the first) that may hold something. Lines end in LF."""
    search = _loose().search
    at = line = counted = 0
    while (found := search(raw, at)) is not None:
        start = found.start()
        line += raw.count(b"\n", counted, start)
        begin, end = raw.rfind(b"\n", at, start) + 1 or at, raw.find(b"\n", start)
        if suspicious(raw[begin : end if end >= 0 else len(raw)]):
            yield line
        if end < 0:
            return
        counted = at = end + 1
        line += 1


def find(text: str) -> list[Hit]:
    """Everything found, in order, without overlaps: where two kinds claim a place, the earlier in KINDS wins."""
    folded = fold(text)
    raw = folded.encode("latin-1", "replace")
    spans: set[tuple[int, int, int]] = set()
    for start in range(0, max(1, len(raw) - OVERLAP), PIECE - OVERLAP):
        spans.update(_piece(folded, raw, start, min(len(raw), start + PIECE)))
    if not spans:
        return []
    return _best(sorted(spans, key=lambda s: (s[0], s[1] - s[2], s[1])), len(raw))


def _piece(text: str, raw: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(rank of the kind, start, end) of every confirmed place that begins in this piece."""
    chosen, patterns = _patterns()
    whole = start == 0 and end == len(raw)
    for rank in chosen.Match(raw if whole else raw[start:end]) or ():
        for span in _confirmed(KINDS_BY_RANK[rank], patterns[rank], text, raw, start, end):
            yield rank, *span


KINDS_BY_RANK = list(KINDS.values())
NAMES_BY_RANK = list(KINDS)


def _confirmed(kind: Kind, pattern: Any, text: str, raw: bytes, at: int, end: int) -> Iterator[Span]:
    numeric = kind.group in ("financial", "government_id") or kind.title == "telephone number"
    while (found := pattern.search(raw, at, end)) is not None:
        start, stop = found.span()
        span = kind.confirm(text, start, stop)
        if span is not None:
            yield span
            at = max(span[1], start + 1)
        elif numeric and start >= WINDOW and not raw[start - WINDOW : start].strip(_TABLE):
            at = max(stop, _run_end(raw, start, end))  # a table of numbers, and no word is near
        else:
            at = start + 1
            while at < stop and raw[at : at + 1].isalnum():
                at += 1


_TABLE = b"0123456789 .-/()"
_RUN = re.compile(rb"[^0-9 .\-/()]")


def _best(spans: list[tuple[int, int, int]], size: int) -> list[Hit]:
    taken = bytearray(size)
    hits = []
    for rank, start, end in spans:
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\x01" * (end - start)
            hits.append(Hit(NAMES_BY_RANK[rank], start, end))
    return sorted(hits, key=lambda hit: hit.start)


def _run_end(raw: bytes, start: int, end: int) -> int:
    found = _RUN.search(raw, start, end)
    return found.start() if found else end
