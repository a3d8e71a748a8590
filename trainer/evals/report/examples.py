"""Answers beside what was expected, worst first, with their differences: bounded in number, length and time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from trainer.evals.case import BASE, CANDIDATE, Contestant
from trainer.evals.outcome import EvalReport, Row
from trainer.evals.report import table, words

SHOWN, CHARACTERS = 2_000, 4_000_000  # examples, and characters in all of them
PROMPT, TEXT, DIFF = 4_000, 3_000, 400  # characters of a prompt, of an answer, words compared
LOST, BOTH_WRONG, WON, BOTH_RIGHT, UNSCORED = "lost", "wrong", "won", "right", "unscored"
TITLES = {
    LOST: "Lost: right by the base, wrong now",
    BOTH_WRONG: "Wrong for both",
    WON: "Won: wrong by the base, right now",
    BOTH_RIGHT: "Right for both",
    UNSCORED: "Not scored",
}
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer: `kind` is "" (as expected), "missing" or "added"."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    who: str
    pieces: tuple[Piece, ...]
    scores: str
    about: str  # what stands beside it in words: cut short, how it differs


@dataclass(frozen=True, slots=True)
class Example:
    suite: str
    id: str
    turns: tuple[tuple[str, str], ...]  # (role, text)
    expected: str
    said: tuple[Said, ...]
    slices: str


@dataclass(slots=True)
class Group:
    """Examples of one outcome; `count` of them there are, shown or not."""

    code: str
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def title(self) -> str:
        return TITLES[self.code]


def groups(report: EvalReport, most: int = SHOWN, characters: int = CHARACTERS) -> list[Group]:
    """By outcome, worst first; within one, the test suite first, as the rows stand."""
    made = {code: Group(code) for code in TITLES}
    room = characters
    for code, row in _ranked(report):
        made[code].count += 1
        if room <= 0 or sum(len(group.examples) for group in made.values()) >= most:
            continue
        example = _example(report, row)
        made[code].examples.append(example)
        room -= _size(example)
    return [group for group in made.values() if group.count]


def _ranked(report: EvalReport) -> list[tuple[str, Row]]:
    codes = list(TITLES)
    found = [(outcome(report, row), row) for row in report.rows]
    return sorted(found, key=lambda item: (codes.index(item[0]), not table.is_test(report, item[1].suite)))


def outcome(report: EvalReport, row: Row) -> str:
    """What became of a row between base and candidate, by the metric that decides about it; right is a score of 1."""
    metric = table.primary_of(report, row.suite)
    tuned, base = (row.scores.get(key, {}).get(metric) for key in (CANDIDATE, BASE))
    if tuned is None:
        return UNSCORED
    before = base is not None and base >= 1
    if tuned >= 1:
        return BOTH_RIGHT if before or base is None else WON
    return LOST if before else BOTH_WRONG


def _example(report: EvalReport, row: Row) -> Example:
    sides = [side for side in table.contestants(report) if side.key in row.answers]
    return Example(
        suite=row.suite,
        id=row.id,
        turns=tuple((message.role, _cut(message.content or "", PROMPT)) for message in row.messages),
        expected=_cut(row.expected, TEXT),
        said=tuple(_said(row, side) for side in reversed(sides)),
        slices=", ".join(f"{key} {value}" for key, value in row.slices.items()),
    )


def _said(row: Row, side: Contestant) -> Said:
    answer = row.answers[side.key]
    pieces = differences(row.expected, answer.text) if row.expected else (Piece(_cut(answer.text, TEXT)),)
    scores = ", ".join(f"{words.metric(name)} {score:.3g}" for name, score in row.scores.get(side.key, {}).items())
    cut = ["Ran into the token limit."] if answer.cut else []
    return Said(words.who(side), pieces, scores, " ".join([*cut, *(_counted(pieces) if row.expected else ())]))


def differences(expected: str, said: str) -> tuple[Piece, ...]:
    """The answer word by word, with what is missing and what was added. The rest of a long one comes as it is."""
    left, right = _WORDS.findall(_cut(expected, TEXT)), _WORDS.findall(_cut(said, TEXT))
    found: list[Piece] = []
    for step, a, b, c, d in SequenceMatcher(None, left[:DIFF], right[:DIFF]).get_opcodes():
        if step == "equal":
            found.append(Piece("".join(right[c:d])))
            continue
        found += [Piece("".join(left[a:b]), "missing")] if b > a else []
        found += [Piece("".join(right[c:d]), "added")] if d > c else []
    rest = "".join(right[DIFF:])
    return tuple([*found, Piece(rest)] if rest else found)


def _counted(pieces: Sequence[Piece]) -> Iterator[str]:
    missing, added = (_words(p.text for p in pieces if p.kind == kind) for kind in ("missing", "added"))
    if missing or added:
        yield f"{missing} missing, {added} added (words and signs)."
    elif any(piece.kind for piece in pieces):
        yield "Only spaces differ."
    else:
        yield "As expected, letter by letter."


def _words(texts: Iterable[str]) -> int:
    return sum(not piece.isspace() for text in texts for piece in _WORDS.findall(text))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def _size(example: Example) -> int:
    said = sum(len(piece.text) for one in example.said for piece in one.pieces)
    return 400 + said + len(example.expected) + sum(len(text) for _, text in example.turns)
