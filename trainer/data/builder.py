"""Build a dataset example by example: checked by the rules of the check, no copies, and each row says where
it came from (`metadata`, an object of texts, which training never reads)."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from trainer.data.canonical import canonical
from trainer.data.findings import CODES, Problem
from trainer.data.formats.openai_chat import OpenAIChat, text_of
from trainer.errors import BadInput
from trainer.types import Finding, Severity

Row = dict[str, Any]
MIN_ROWS = 10
SHORT, LONG = 10, 4000  # characters of a last answer: advice, never a refusal
_FORMAT = OpenAIChat()
_line = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Added:
    """What became of rows that were given: none goes missing without being counted."""

    added: int = 0
    duplicates: int = 0
    refused: tuple[Finding, ...] = ()  # `line` is the row's place among those given, from 1

    @property
    def given(self) -> int:
        return self.added + self.duplicates + len({f.line for f in self.refused})


class DatasetBuilder:
    """Rows in the order in which they came. Copies are left out and counted; broken rows are refused."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows: list[Row] = []
        self.duplicates = 0
        self._seen: set[bytes] = set()
        for row in rows:
            self._take(row)

    def __len__(self) -> int:
        return len(self.rows)

    def add_example(
        self,
        user: str = "",
        assistant: str = "",
        *,
        system: str = "",
        messages: Iterable[Mapping[str, Any]] | None = None,
        **provenance: str,
    ) -> bool:
        """One example, as texts or as whole messages; False for a copy of a row that is there.

        Raises BadInput where the check would refuse the row."""
        given = [dict(m) for m in messages] if messages is not None else exchange(user, assistant, system)
        row = labelled({"messages": given}, **provenance)
        problems = list(errors(row))
        if problems:
            raise BadInput(problems[0].message, fix="Correct the example and add it again.", code=problems[0].code)
        return self._take(row)

    def add_from_conversations(self, conversations: Iterable[Iterable[Mapping[str, Any]]], **provenance: str) -> Added:
        """One row a conversation, with every turn kept."""
        rows = ({"messages": [dict(m) for m in talk]} for talk in conversations)
        return self.add_rows(rows, **provenance)

    def add_rows(self, rows: Iterable[Row], **provenance: str) -> Added:
        """Rows of OpenAI chat. What the check would refuse is left out and told."""
        added = duplicates = 0
        refused: list[Finding] = []
        for number, row in enumerate(rows, 1):
            made = labelled(row, **provenance) if isinstance(row, dict) else row
            problems = list(errors(made))
            if problems:
                refused += [problem.at(number) for problem in problems]
            elif self._take(made):
                added += 1
            else:
                duplicates += 1
        return Added(added, duplicates, tuple(refused))

    def _take(self, row: Row) -> bool:
        key = content_key(row)
        if key in self._seen:
            self.duplicates += 1
            return False
        self._seen.add(key)
        self.rows.append(row)
        return True

    def validate(self) -> list[Finding]:
        """What to look at before training: `line` is the row's line in the file that `write` makes."""
        found: list[Finding] = []
        if len(self.rows) < MIN_ROWS:
            few = f"There are {len(self.rows)} rows; training takes at least {MIN_ROWS}."
            found.append(Problem("too_few_rows", few).at(0))
        for number, row in enumerate(self.rows, 1):
            found += [problem.at(number) for problem in (*_FORMAT.inspect(row), *advice(row))]
        return found

    def write(self, path: Path) -> int:
        """OpenAI chat JSONL, whole or not at all; the number of rows."""
        path = Path(path)
        temporary = path.with_name(f".{path.name}.part")
        with temporary.open("wb") as out:
            out.writelines(_line(row) + b"\n" for row in self.rows)
        temporary.replace(path)
        return len(self.rows)

    def export(self, out: Path | BinaryIO, format: str = "openai") -> Any:
        """Write in another format; what that format cannot hold is in the result's `skipped`.

        A path that ends in .jsonl gets lines, where the format's custom is an array."""
        from trainer.data.export import export

        if not isinstance(out, Path):
            return export(self.rows, out, format)
        whole = io.BytesIO()  # a format that is refused leaves no half-written file
        done = export(self.rows, whole, format, lines=out.suffix.lower() == ".jsonl")
        out.write_bytes(whole.getvalue())
        return done


def exchange(user: str, assistant: str, system: str = "") -> list[dict[str, str]]:
    head = [{"role": "system", "content": system}] if system else []
    return [*head, {"role": "user", "content": user}, {"role": "assistant", "content": assistant}]


def labelled(row: Row, **provenance: str) -> Row:
    """The row with these texts in its metadata; what stood there is kept where it has another name."""
    known = row.get("metadata")
    if not provenance or not (known is None or isinstance(known, dict)):
        return row
    return row | {"metadata": {**(known or {}), **{key: str(value) for key, value in provenance.items()}}}


def errors(row: Any) -> Iterator[Problem]:
    """Why a row cannot be trained on: the rules of the check, and at least a question with its answer."""
    problems = [p for p in _FORMAT.inspect(row) if CODES[p.code].severity is Severity.ERROR]
    yield from problems
    if not problems and len(row["messages"]) < 2:
        yield Problem("too_few_messages", "There is one message only; an example is a question with its answer.")


def advice(row: Row) -> Iterator[Problem]:
    """The guides' bounds on an answer's length. A label or a long article can be right: somebody should look."""
    answer = text_of(row["messages"][-1])
    if not answer or row["messages"][-1].get("tool_calls"):
        return
    path = f"messages[{len(row['messages']) - 1}].content"
    if len(answer) < SHORT:
        yield Problem("answer_short", f"The answer has {len(answer)} characters; is it complete?", path)
    elif len(answer) > LONG:
        yield Problem("answer_long", f"The answer has {len(answer):,} characters; is it one answer?", path)


def content_key(row: Row) -> bytes:
    """What makes a row a copy of another: all but where it came from."""
    content = {key: value for key, value in row.items() if key != "metadata"}
    return hashlib.blake2b(canonical(content), digest_size=16).digest()
