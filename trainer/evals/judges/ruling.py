"""One row as a judge sees it, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from trainer.data.split import prompt_key
from trainer.evals.case import CANDIDATE
from trainer.evals.judges.agreement import Choice, Key, Label
from trainer.evals.outcome import Row
from trainer.types import ChatMessage


@dataclass(frozen=True, slots=True)
class Pair:
    """The candidate's answer and another one to the same case; who is who, no judge learns."""

    suite: str
    id: str
    messages: tuple[ChatMessage, ...]
    expected: str
    candidate: str
    other: str

    @property
    def key(self) -> Key:
        return self.suite, self.id

    @property
    def same(self) -> bool:
        return self.candidate.strip() == self.other.strip()

    @property
    def longer(self) -> int:
        """1 where the candidate's answer is the longer one, −1 where the other is, else 0."""
        mine, theirs = len(self.candidate.strip()), len(self.other.strip())
        return (mine > theirs) - (mine < theirs)

    @property
    def lot(self) -> str:
        """Its place in the line: a hash of the prompt, so that nobody picks the rows that are judged."""
        said = [{"content": message.content} for message in self.messages]
        named = f"judged\n{prompt_key({'messages': [*said, {}]})}\n{self.suite}\n{self.id}"
        return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Ruling:
    """`shown` is the position that each order of a pair preferred: first, second or tie. `scores` are a rubric's, by
    contestant ("candidate", "other") and criterion. `asked`: False where both answers were the same."""

    pair: Pair
    choice: Choice
    shown: tuple[str, ...] = ()
    scores: dict[str, dict[str, int]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    asked: bool = True

    @property
    def steady(self) -> bool:
        """Both orders led to the same answer, or to a tie."""
        return self.shown in (("first", "second"), ("second", "first"), ("tie", "tie"))


TEST = "test"  # the sealed part, as evaluations name it


def pairs_of(rows: Sequence[Row], against: str) -> list[Pair]:
    """In the order of their lots. Rows that one of the two did not answer are no pairs; where rows of the sealed test
    part are given, those of other suites are none either."""
    sealed = any(row.suite == TEST for row in rows)
    asked = (row for row in rows if row.suite == TEST or not sealed)
    both = (row for row in asked if CANDIDATE in row.answers and against in row.answers)
    pairs = [
        Pair(row.suite, row.id, row.messages, row.expected, row.answers[CANDIDATE].text, row.answers[against].text)
        for row in both
    ]
    return sorted(pairs, key=lambda pair: pair.lot)


def chosen(rows: Sequence[Row], against: str, n: int) -> list[Pair]:
    """The pairs that a judge of n rows is asked about: the same ones for everybody, whoever chooses."""
    return pairs_of(rows, against)[:n]


def labelled(pairs: Sequence[Pair], labels: Iterable[Label]) -> list[Pair]:
    """Those that people spoke on: they are judged to calibrate the judge, and count for nothing else."""
    wanted = {(label.suite, label.case_id) for label in labels}
    return [pair for pair in pairs if pair.key in wanted]
