"""Answers that teach nothing: circles, bare punctuation, the prompt again, the same for everyone, cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from trainer.data.analyze import Batch, Scene
from trainer.data.findings import Problem, quote
from trainer.data.quality.labels import Tally
from trainer.data.quality.repeats import circle
from trainer.data.view import View
from trainer.types import Finding

BARE = " \t\r\n.,;:!?…-–—_'\"“”‘’()[]{}·。、，！？；：「」"  # not + * = < > and the like: those can be labels
PROBE, RETURNS, LONG = 12, 3, 800  # characters of an ending, how often it stands in a suspect, a long answer
BARE_UP_TO = 40  # characters: longer punctuation runs in a circle
ECHO = 12  # characters from which an answer can be the prompt again
SHORT = 3  # characters
CUT_FROM = 120  # characters: shorter answers have equal lengths by chance
CUT_ROWS, CUT_SHARE = 5, 0.05
CUT_ENDS = 0.8  # of the longest answers, those that end in the middle of something
MANY = 0.5  # of the rows with one answer
IMBALANCE, FEWEST = 10, 5
FEW_ROWS = 10  # below, nothing is said about all answers together
LISTED, LABEL = 50, 60  # labels in the figures, characters of each


class Answers:
    """Memory: the tally of answers, and a few counters."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.tally = Tally()
        self.longest = _Longest()
        self.counts: Counter[str] = Counter()
        self.rows = self.short = 0
        self.chat = scene.format.kind == "chat"

    def add(self, batch: Batch) -> list[Finding]:
        answers = [view.answer for view in batch.views]
        lengths = list(map(len, answers))
        self.rows += len(answers)
        if min(lengths, default=0) <= SHORT:
            self.short += sum(0 < length <= SHORT for length in lengths)
        self.tally.add(answers)
        self.longest.add(answers, lengths)
        found: list[Finding] = []
        for index in _suspects(batch.views):
            problem = self._problem(batch, index)
            if problem:
                self.counts[problem.code] += 1
                found.append(problem.at(batch.numbers[index]))
        return found

    def _problem(self, batch: Batch, index: int) -> Problem | None:
        prompt, answer, _ = batch.views[index]
        if not answer.strip(BARE):
            return Problem("degenerate_answer", "The answer is punctuation only.", "answer", quote(answer))
        if len(answer) >= ECHO and prompt.rstrip().endswith(answer.strip()) and self._echoes(batch, index):
            said = "The answer is the message before it, word for word."
            return Problem("answer_repeats_prompt", said, "answer", quote(answer))
        rounds = circle(answer)
        said = f"The answer runs in a circle: {rounds}."
        return Problem("degenerate_answer", said, "answer", quote(answer)) if rounds else None

    def _echoes(self, batch: Batch, index: int) -> bool:
        """The answer is the whole last turn before it, not merely its end."""
        prompt, answer = batch.views[index].prompt.strip(), batch.views[index].answer.strip()
        if prompt == answer:
            return True
        row = self.scene.format.plain(batch.rows[index]) if self.chat else None
        chat = self.scene.format.chat(row) if row is not None else None
        turns = chat.get("messages", []) if chat else []
        return len(turns) > 1 and isinstance(said := turns[-2].get("content"), str) and said.strip() == answer

    def finish(self) -> list[Finding]:
        problems = [*self._equal(), *self._labels()]
        if self.scene.format.kind != "text":
            problems += self.longest.problems(self.rows)
        return [problem.at(0) for problem in problems]

    def _equal(self) -> Iterator[Problem]:
        answer, rows = self.tally.top()
        if self.tally.rows < FEW_ROWS:
            return
        if rows == self.tally.rows:
            yield Problem("all_answers_equal", f"All {rows} answers are the same.", found=quote(answer))
        elif rows > MANY * self.tally.rows:
            message = f"One answer stands in {rows / self.tally.rows:.0%} of the rows ({rows} of {self.tally.rows})."
            yield Problem("answer_dominates", message, found=quote(answer))

    def _labels(self) -> Iterator[Problem]:
        labels = self.tally.labels()
        if not labels:
            return
        (most, top), (least, few) = next(iter(labels.items())), list(labels.items())[-1]
        if top <= IMBALANCE * few and few >= FEWEST:
            return
        rare = sum(1 for count in labels.values() if count < FEWEST or top > IMBALANCE * count)
        message = f"{len(labels)} labels, unevenly: {quote(most)} in {top} rows, {quote(least)} in {few}. " + (
            "One label is rare." if rare == 1 else f"{rare} labels are rare."
        )
        yield Problem("label_imbalance", message)

    def stats(self) -> dict[str, Any]:
        if not self.rows:
            return {}
        figures: dict[str, Any] = {"different": self.tally.distinct, "very_short_share": _share(self.short, self.rows)}
        figures |= dict(sorted(self.counts.items()))
        labels = self.tally.labels()
        told = {quote(label, LABEL): count for label, count in list(labels.items())[:LISTED]} if labels else {}
        return {"answers": figures} | ({"labels": told} if told else {})


class _Longest:
    """The answers of the greatest length: how many, and how many of them end in the middle of something."""

    def __init__(self) -> None:
        self.length = self.rows = self.open = 0
        self.different: set[str] = set()

    def add(self, answers: list[str], lengths: list[int]) -> None:
        longest = max(lengths, default=0)
        if longest < max(self.length, CUT_FROM):
            return
        if longest > self.length:
            self.__init__()
            self.length = longest
        for answer, length in zip(answers, lengths, strict=True):
            if length == longest:
                self.rows += 1
                self.open += answer[-1].isalnum() or answer[-1] in ",(-–"
                if len(self.different) < CUT_ROWS:
                    self.different.add(answer[:200] + answer[-200:])

    def problems(self, rows: int) -> list[Problem]:
        if self.rows < max(CUT_ROWS, CUT_SHARE * rows) or len(self.different) < CUT_ROWS:
            return []
        if self.open < CUT_ENDS * self.rows:
            return []
        message = (
            f"{self.rows} answers have exactly {self.length} characters, the most of all, and stop in mid-sentence."
        )
        return [Problem("answers_cut", message)]


def _suspects(views: list[View]) -> Iterator[int]:
    """Cheaply, and not always rightly: the answers that end as their prompt does, in punctuation, or in
    characters that they hold several times. Of long answers the middle counts as well."""
    for index, (prompt, answer, _) in enumerate(views):
        if not answer:
            continue
        tail = answer[-PROBE:]
        if prompt.endswith(tail) or (tail in answer[:-PROBE] and answer.count(tail) >= RETURNS):
            yield index
        elif len(answer) < BARE_UP_TO:
            if not answer.strip(BARE):
                yield index
        elif len(answer) > LONG:
            middle = len(answer) >> 1
            if answer.count(answer[middle : middle + PROBE]) >= RETURNS:
                yield index


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4)
