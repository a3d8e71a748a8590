"""One line of a dataset, mended: the rows that came of it and what was done, or the reasons why nothing helps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pkgutil import resolve_name
from typing import Any, NamedTuple

from trainer.data.findings import Problem
from trainer.data.fix import texts, values
from trainer.data.fix.books import Fix
from trainer.data.formats import Format, detect, load_format
from trainer.data.lines import Line
from trainer.data.parse import parse
from trainer.types import Severity

CHAT = "openai-chat"
MENDABLE = {"nul_character": "nul", "lone_surrogate": "lone-surrogates", "nan_or_infinity": "nan-to-null"}


class Mixed(Exception):
    """A row of another chat format in a file that was to stay in its own: all must become OpenAI chat."""


class Row(NamedTuple):
    raw: bytes  # as it goes into the result
    value: Any  # as parsed


class Mended(NamedTuple):
    """Either `reasons`, and the line goes to quarantine; or `rows`, untouched where there are no `fixes`."""

    rows: tuple[Row, ...] = ()
    fixes: tuple[str, ...] = ()
    reasons: tuple[Problem, ...] = ()


class Unmendable(Exception):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


class Mender:
    """`convert` makes OpenAI chat of every row; without it only of those that are not the file's format."""

    def __init__(self, wanted: Mapping[str, Fix], format: Format, *, convert: bool, mapped: bool) -> None:
        self.format, self.wanted, self.mapped = format, wanted, mapped
        self.convert = convert and (format.name != CHAT or mapped)
        self.target = load_format(CHAT) if self.convert else format
        self._lines = [(n, resolve_name(f.target)) for n, f in wanted.items() if f.level == "line" and f.target]
        self._rows = [(n, resolve_name(f.target)) for n, f in wanted.items() if f.level == "row" and f.target]
        if "nul" in wanted:
            self._rows.insert(0, ("nul", values.without_nul))
        self.redact = "redact" in wanted

    def mend(self, line: Line) -> Mended:
        if line.problems:
            return Mended(reasons=line.problems)
        done: dict[str, None] = {}
        try:
            parts = self._parts(line, done)
            rows = tuple(self._judged(*self._fixed(value, raw, done), done) for value, raw in parts)
        except Unmendable as why:
            return Mended(reasons=tuple(why.problems))
        return Mended(rows, tuple(name for name in self.wanted if name in done))

    def values(self, line: Line) -> list[Any]:
        """What stands on the line once it is mended, whatever its format; nothing where that fails."""
        done: dict[str, None] = {}
        try:
            return [self._fixed(value, raw, done)[0] for value, raw in self._parts(line, done)]
        except Unmendable:
            return []

    # from bytes to values

    def _parts(self, line: Line, done: dict[str, None]) -> list[tuple[Any, bytes]]:
        """The values on the line, each with its problems told or mended; `raw` is b"" where it must be written anew."""
        value, problems = parse(line.raw, last=not line.end)
        if value is ...:
            parsed = [parse(text.encode(), last=False) for text in self._as_json(line, problems, done)]
            self._check([problem for _, found in parsed for problem in found])
            return [(value, b"") for value, _ in parsed]
        listed = texts.rows_of(value) if "array-to-lines" in self.wanted and not problems else None
        if listed:
            done["array-to-lines"] = None
            return [(item, b"") for item in listed]
        self._check(problems)
        return [(value, b"" if _errors(problems) else line.raw)]

    def _check(self, problems: list[Problem]) -> None:
        if any(MENDABLE.get(p.code) not in self.wanted for p in _errors(problems)):
            raise Unmendable(problems)

    def _as_json(self, line: Line, problems: list[Problem], done: dict[str, None]) -> list[str]:
        """The line's text after as many fixes as it takes to make JSON of it."""
        if problems[0].code in ("truncated_last_line", "too_deep"):
            raise Unmendable(problems)
        text = self._text(line, problems, done)
        for name, fix in self._lines:
            if texts.is_json(text):
                break
            mended = fix(text)
            if mended != text:
                done[name] = None
                text = mended
        found = [text] if texts.is_json(text) else text.split("\n")
        if not found or not all(map(texts.is_json, found)):
            raise Unmendable(problems)
        return found

    def _text(self, line: Line, problems: list[Problem], done: dict[str, None]) -> str:
        try:
            text, fix = texts.decoded(line.raw)
        except UnicodeDecodeError:
            raise Unmendable(problems) from None
        if fix and fix not in self.wanted:
            raise Unmendable(problems)
        done |= {fix: None} if fix else {}
        return text

    # from values to rows

    def _fixed(self, value: Any, raw: bytes, done: dict[str, None]) -> tuple[Any, bytes]:
        touched = not raw
        for name, fix in self._rows:
            mended = fix(value)
            if mended is not values.UNTOUCHED:
                value, touched = mended, True
                done[name] = None
        if not touched:
            return value, raw
        raw = _encode(value)
        return _strict(parse(raw, last=False)), raw

    def _judged(self, value: Any, raw: bytes, done: dict[str, None]) -> Row:
        """The row as it goes into the result, which must accept it."""
        meant = self.format.name if self.mapped else detect(value)
        format = load_format(meant) if meant and not self.mapped else self.format
        errors = _errors(format.inspect(value))
        if errors:
            raise Unmendable(errors)
        if format.name != self.target.name:
            value = self._chat(value, format)
            done["convert"] = None
            value, raw = self._fixed(value, b"", done)
            if errors := _errors(self.target.inspect(value)):
                raise Unmendable(errors)
        if self.redact:
            value, raw = _redacted(value, raw, self.target, done)
        return Row(raw, value)

    def _chat(self, value: Any, format: Format) -> Any:
        said = f"This row is {format.title}; the file is {self.target.title}."
        if ("convert" not in self.wanted and not self.mapped) or format.kind != "chat":
            raise Unmendable([Problem("other_format", said, found=format.title)])
        if self.target.name != CHAT:
            if self.target.kind == "chat":
                raise Mixed
            raise Unmendable([Problem("other_format", said, found=format.title)])
        return format.chat(value)


def _redacted(value: Any, raw: bytes, format: Format, done: dict[str, None]) -> tuple[Any, bytes]:
    from trainer.data.privacy.redact import redact_row

    made, counts = redact_row(format.plain(value))
    if not sum(counts.values()):
        return value, raw
    done["redact"] = None
    if errors := _errors(format.inspect(made)):
        raise Unmendable(errors)
    return made, _encode(made)


def _errors(problems: Iterable[Problem]) -> list[Problem]:
    return [p for p in problems if p.severity is Severity.ERROR]


def _strict(parsed: tuple[Any, list[Problem]]) -> Any:
    """A value that nothing is wrong with, as JSON."""
    value, problems = parsed
    if value is ... or _errors(problems):
        raise Unmendable(problems)
    return value


def _encode(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_no_value).encode()
    except UnicodeEncodeError:
        raise Unmendable([Problem("lone_surrogate", "A text holds half of a surrogate pair.")]) from None


def _no_value(held: Any) -> Any:
    """What stands for a number that no loader can hold."""
    code = getattr(held, "code", "invalid_json")
    raise Unmendable([Problem(code, "A number that no loader can hold stands here.")])
